// The keyboard: one table of keys, which the help dialog shows, too.

import { byId, el } from './dom.js';

/** @typedef {{keys: string[], shown: string, does: string, act: (event: KeyboardEvent) => void, inList?: boolean}} Key */

const isTyping = (target) => target.closest('input, textarea, select') !== null;

/**
 * Listens to keys and fills the help dialog.
 * @param {Key[]} table
 */
export function startKeys(table) {
    byId('keys').append(...table.map(({ shown, does }) => el('div', {}, el('dt', {}, el('kbd', {}, shown)), el('dd', {}, does))));
    byId('help-open').addEventListener('click', () => byId('help').showModal());
    byId('help-close').addEventListener('click', () => byId('help').close());
    document.addEventListener('keydown', (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
        if (isTyping(event.target) || document.querySelector('dialog[open], [popover]:popover-open')) return;
        const found = table.find(({ keys }) => keys.includes(event.key));
        if (!found || (found.inList && !byId('list').contains(event.target) && event.target !== document.body)) return;
        event.preventDefault();
        found.act(event);
    });
}
