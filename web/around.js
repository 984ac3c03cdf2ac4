// What was logged before and after a record, by the same origin or by anybody.

import { ask } from './api.js';
import { el, visible } from './dom.js';
import { idParts, wholeId } from './place.js';
import { levelBadge } from './row.js';
import { exactTime, rowTime } from './time.js';

const FIRST = 5;
const MORE = 20;

/** A section of the detail pane that asks when it is opened. */
export class Around {
    /**
     * @param {object} record
     * @param {{id: string, onOpen: (id: string) => void, onMoved: () => void}} detail
     */
    constructor(record, detail) {
        this.record = record;
        this.detail = detail;
        this.size = { before: FIRST, after: FIRST };
        this.any = el('input', { type: 'checkbox', onchange: () => this.load() });
        this.rows = el('div', { class: 'around', 'aria-live': 'polite' });
        this.node = el('details', { class: 'surroundings', ontoggle: () => this.node.open && this.load() },
            el('summary', {}, 'Surrounding records'),
            el('label', { class: 'any' }, this.any, ' of anybody, not only of the same host, process and thread'), this.rows);
    }

    async load() {
        const parameters = { ...this.size, ...(this.any.checked ? { any: 'true' } : {}) };
        try {
            const { before, record, after } = await ask(`/api/records/${this.detail.id}/context`, parameters);
            this.rows.replaceChildren(
                this.more('before', 'Earlier', before.length < this.size.before),
                el('ol', {}, ...[...before, record, ...after].map((each) => this.row(each))),
                this.more('after', 'Later', after.length < this.size.after));
        } catch (error) {
            this.rows.replaceChildren(el('p', { class: 'trouble' }, error.message));
            if (error.status === 410) this.detail.onMoved();
        }
    }

    more(side, title, isAll) {
        if (isAll) return el('p', { class: 'dim' }, side === 'before' ? 'Nothing earlier' : 'Nothing later');
        return el('button', {
            type: 'button', onclick: () => {
                this.size[side] += MORE;
                this.load();
            },
        }, `${title} …`);
    }

    row(record) {
        const isThis = record.id === this.record.id;
        return el('li', { 'aria-current': isThis ? 'true' : null }, el('button', {
            type: 'button', class: 'near', title: exactTime(record.created), onclick: () => this.detail.onOpen(wholeId(record.id, idParts(this.detail.id)[1])),
        }, el('span', { class: 'dim' }, rowTime(record.created).time), levelBadge(record),
        el('span', { class: 'text' }, visible(String(record.message ?? '').split('\n')[0].slice(0, 300)))));
    }
}
