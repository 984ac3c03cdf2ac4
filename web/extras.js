// Extra fields as a tree: what is nested can be folded.

import { el } from './dom.js';

const MOST = 500;

const isNested = (value) => value !== null && typeof value === 'object';

/**
 * A value as text; texts as they are.
 * @param {any} value
 * @returns {string}
 */
export const shown = (value) => (isNested(value) ? JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? String(each) : each))
    : String(value));

/**
 * Rows for the members of an object or a list, nested ones below their name.
 * @param {object} values
 * @param {(key: string, value: any) => Node[]} actions what can be done with a value, by its dotted key
 * @param {string} [path] the dotted key so far, null inside of lists, where none can be asked for
 * @returns {HTMLElement}
 */
export function extrasTable(values, actions, path = '') {
    const entries = Object.entries(values);
    const list = el('dl', { class: 'fields extras' });
    for (const [name, value] of entries.slice(0, MOST)) {
        const key = path === null ? null : path + name;
        const inner = Array.isArray(values) || key === null ? null : key;
        list.append(isNested(value) && Object.keys(value).length > 0
            ? nested(name, value, actions, inner)
            : pair(name, value, inner === null ? [] : actions(inner, value)));
    }
    if (entries.length > MOST) list.append(el('div', { class: 'dim' }, `… and ${entries.length - MOST} more; copy as JSON shows all`));
    return list;
}

function nested(name, value, actions, key) {
    const size = Object.keys(value).length;
    const what = Array.isArray(value) ? `list of ${size}` : `${size} field${size === 1 ? '' : 's'}`;
    return el('div', { class: 'nested' }, el('dt', {}, name), el('dd', {},
        el('details', { open: size <= 50 }, el('summary', { class: 'dim' }, what),
            extrasTable(value, actions, key === null ? null : `${key}.`))));
}

/**
 * A name, its value, and what can be done with it.
 * @param {string} name
 * @param {any} value
 * @param {Node[]} actions
 * @returns {HTMLElement}
 */
export function pair(name, value, actions) {
    const kind = typeof value === 'string' ? 'text' : 'other';
    return el('div', { class: 'field' }, el('dt', {}, name),
        el('dd', {}, el('span', { class: `value ${kind}` }, shown(value)), el('span', { class: 'actions' }, ...actions)));
}
