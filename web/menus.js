// The menus: time range, comparison, download.

import { address } from './api.js';
import { CHOICES } from './compare.js';
import { byId, el, placeUnder } from './dom.js';
import { shownTime, withOffset } from './time.js';
import { filterOf } from './view.js';

const RANGES = [['All time', ''], ['Last 15 minutes', '-15m'], ['Last hour', '-1h'], ['Last 24 hours', '-24h'], ['Last 7 days', '-7d'],
    ['Today', 'today']];
const FORMS = [['jsonl', 'JSON lines'], ['csv', 'CSV'], ['sqlite', 'SQLite database']];

/** What can be chosen besides the search text. */
export class Menus {
    /**
     * @param {object} hooks
     * @param {() => import('./view.js').View} hooks.view
     * @param {(change: object) => void} hooks.onChange
     */
    constructor({ view, onChange }) {
        this.view = view;
        this.onChange = (popover, change) => {
            byId(popover).hidePopover();
            onChange(change);
        };
        const button = (text, act) => el('button', { type: 'button', onclick: act }, text);
        byId('ranges').append(...RANGES.map(([title, since]) => button(title, () => this.onChange('range-menu', { since, until: '' }))));
        byId('comparisons').append(button('No comparison', () => this.onChange('compare-menu', { compare: '' })),
            ...CHOICES.map(([compare, title]) => button(title, () => this.onChange('compare-menu', { compare }))));
        byId('range-form').addEventListener('submit', (event) => {
            event.preventDefault();
            this.onChange('range-menu', {
                since: withOffset(byId('since').value, 'first'), until: withOffset(byId('until').value, 'last'),
            });
        });
        byId('compare-form').addEventListener('submit', (event) => {
            event.preventDefault();
            this.onChange('compare-menu', { compare: withOffset(byId('compare-from').value, 'first') });
        });
        placeUnder('range', 'range-menu', () => {
            byId('since').value = shownTime(view().since);
            byId('until').value = shownTime(view().until);
        });
        placeUnder('compare', 'compare-menu');
        placeUnder('download', 'download-menu', () => this.links());
    }

    links() {
        const { order } = this.view();
        byId('downloads').replaceChildren(...FORMS.map(([format, title]) => el('a', {
            href: address('/api/export', { ...filterOf(this.view()), order, format }), download: '',
            onclick: () => byId('download-menu').hidePopover(),
        }, title)));
    }

    /** Shows what is chosen. @param {import('./view.js').View} view */
    show({ since, until, compare, order }) {
        const preset = until ? undefined : RANGES.find(([, value]) => value === since)?.[0];
        const last = until ? null : /^-(\d+ ?\w+)$/.exec(since)?.[1];
        const range = preset ?? (last ? `Last ${last}` : null) ?? `${since ? shownTime(since) : '…'} – ${until ? shownTime(until) : 'now'}`;
        byId('range-text').textContent = range;
        byId('range').title = range;
        byId('range-reset').hidden = !since && !until;
        byId('compare').classList.toggle('on', Boolean(compare));
        byId('order').textContent = order === 'newest' ? 'Newest first' : 'Oldest first';
        byId('order').title = order === 'newest' ? 'Show the oldest first' : 'Show the newest first';
    }
}
