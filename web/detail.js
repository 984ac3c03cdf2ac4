// One record in full: every field, what can be done with it, and what was logged around it.

import { ask, isAbort, recordJson } from './api.js';
import { Around } from './around.js';
import { byId, el, visible } from './dom.js';
import { extrasTable, isAlone, pair } from './extras.js';
import { levelName, levelTerm } from './levels.js';
import { areSame, idParts } from './place.js';
import { levelBadge } from './row.js';
import { extraKey, fieldIs, isKey, isPlain, OWN_FIELDS, quoted } from './terms.js';
import { exactTime } from './time.js';

// The fields in the order in which they are shown; what is not named here comes behind them.
const ORDER = ['name', 'levelname', 'levelno', 'hostname', 'process', 'processName', 'thread', 'threadName', 'taskName',
    'pathname', 'filename', 'lineno', 'module', 'funcName'];
const APART = new Set(['id', 'cursor', 'created', 'created_ns', 'message', 'exc_text', 'stack_info', 'extra']);
const TERMS = { name: 'name:', hostname: 'host:', process: 'process:', processName: 'process:', thread: 'thread:', threadName: 'thread:' };

const MOST_PHRASE = 300;

/**
 * The term that asks for a record's field of this value; null where the search text has no words for it.
 * @param {string} field
 * @param {any} value
 * @param {number} levelno
 * @returns {string|null}
 */
export function fieldTerm(field, value, levelno) {
    if (field === 'levelname' || field === 'levelno') return levelTerm(levelno);
    if (TERMS[field]) return value !== '' && isPlain(value) ? TERMS[field] + quoted(value) : null;
    return OWN_FIELDS.includes(field) ? fieldIs(field, value) : null;
}

/** The pane beside the list. */
export class Detail {
    /**
     * @param {object} hooks
     * @param {(term: string) => void} hooks.onTerm
     * @param {() => void} hooks.onClose
     * @param {(id: string) => void} hooks.onOpen another record
     * @param {(rows: number) => void} hooks.onStep the next or the previous record of the list
     * @param {() => void} hooks.onMoved the record's file is not there any more
     * @param {(text: string) => void} hooks.say
     * @param {(id: string) => string} hooks.link the address of a record's view
     */
    constructor(hooks) {
        Object.assign(this, hooks);
        this.pane = byId('detail');
        this.id = '';
        this.record = null;
        this.anchor = el('a', { class: 'dim', target: '_blank', rel: 'noopener', title: 'Link to this record' });
        byId('detail-close').addEventListener('click', () => this.onClose());
        byId('detail-next').addEventListener('click', () => this.onStep(1));
        byId('detail-previous').addEventListener('click', () => this.onStep(-1));
        byId('copy-json').addEventListener('click', () => this.copy(recordJson(this.record), 'The record is copied as JSON.'));
        byId('copy-link').addEventListener('click', () => this.copy(this.link(this.id), 'The link is copied.'));
    }

    /**
     * Shows a record; what is at hand of it at once, all of it when it has come. An empty id closes the pane.
     * @param {string} id
     * @param {object} [known]
     */
    async show(id, known) {
        const isSame = areSame(id, this.id);
        this.id = id;
        // In which file it is may be known by now.
        this.anchor.href = this.link(id);
        if (isSame) return;
        this.record = null;
        byId('detail-tools').hidden = byId('detail-moved').hidden = true;
        this.canceller?.abort();
        this.pane.hidden = !id;
        document.body.classList.toggle('with-detail', Boolean(id));
        if (!id) return;
        if (known) {
            this.draw(known);
            return;
        }
        this.canceller = new AbortController();
        byId('detail-body').replaceChildren(el('p', { class: 'dim' }, 'Loading …'));
        try {
            this.draw(await ask(`/api/records/${id}`, {}, this.canceller.signal));
        } catch (error) {
            if (isAbort(error)) return;
            const [number] = idParts(id);
            const text = error.status === 404 ? `There is no record ${number} any more: it may have been removed by age or size.` : error.message;
            byId('detail-title').replaceChildren(`Record ${number}`);
            byId('detail-body').replaceChildren(el('p', { class: 'trouble' }, text));
            if (error.status === 410) this.onMoved();
        }
    }

    /** @param {boolean} isMoved whether the record is in a file that is not read any more; one that is not shown says so itself */
    noteMoved(isMoved) {
        byId('detail-moved').hidden = !(isMoved && this.record);
    }

    draw(record) {
        this.record = record;
        byId('detail-tools').hidden = false;
        this.anchor.textContent = `#${record.id}`;
        byId('detail-title').replaceChildren(levelBadge(record), ` ${visible(levelName(record))} `, this.anchor);
        const message = String(record.message ?? '');
        const parts = [
            el('div', { class: 'when' }, el('time', { datetime: record.created }, exactTime(record.created)),
                el('span', { class: 'dim' }, record.created)),
            this.block('Message', message, 'said', this.actions(phrase(message), 'this message')),
        ];
        if (record.exc_text) parts.push(this.block('Traceback', record.exc_text, 'trace', this.actions('has:exc_text', 'any traceback')));
        if (record.stack_info) parts.push(this.block('Stack', record.stack_info, 'trace', this.actions('has:stack_info', 'any stack')));
        if (record.extra && Object.keys(record.extra).length > 0) {
            parts.push(el('section', {}, el('h3', {}, 'Extra fields'), extrasTable(record.extra, (key, value) => this.extraActions(key, value, record.extra))));
        }
        parts.push(el('section', {}, el('h3', {}, 'Fields'), this.fields(record)), new Around(record, this).node);
        byId('detail-body').replaceChildren(...parts);
        byId('detail-body').scrollTop = 0;
    }

    block(title, text, kind, actions) {
        return el('section', {}, el('h3', {}, title, el('span', { class: 'actions' }, ...actions)),
            el('pre', { class: kind, tabindex: 0, role: 'group', 'aria-label': title }, visible(text)));
    }

    fields(record) {
        const rest = Object.keys(record).filter((field) => !APART.has(field) && !ORDER.includes(field));
        const rows = [...ORDER, ...rest].filter((field) => record[field] !== undefined && record[field] !== null).map((field) => {
            const value = record[field];
            return pair(field, value, this.actions(fieldTerm(field, value, record.levelno), `${field} ${value}`));
        });
        return el('dl', { class: 'fields' }, ...rows);
    }

    extraActions(key, value, extra) {
        if (!isKey(key) || !isAlone(key, extra) || (typeof value === 'object' && value !== null)) return [];
        return this.actions(fieldIs(extraKey(key), value), `${key} ${value}`);
    }

    actions(term, what) {
        if (!term) return [];
        const button = (sign, name, term) => el('button', {
            type: 'button', class: 'act', title: `${name}: ${term}`, 'aria-label': `${name} ${what}`, onclick: () => this.onTerm(term),
        }, sign);
        return [button('+', 'Filter for', term), button('−', 'Filter out', `-${term}`)];
    }

    async copy(text, done) {
        try {
            await navigator.clipboard.writeText(text);
        } catch {
            // Pages that come over plain HTTP from another machine may not use the clipboard; copying a selection they may.
            const area = el('textarea', { class: 'unseen' });
            area.value = text;
            this.pane.append(area);
            area.select();
            document.execCommand('copy');
            area.remove();
        }
        this.say(done);
    }
}

// The first line of a message as a phrase of its words; of a long one as many as are whole. Null where there are none.
function phrase(message) {
    const line = [...message.trim().split(/[\r\n]/)[0]];
    const start = line.slice(0, MOST_PHRASE).join('');
    const text = (line.length > MOST_PHRASE ? start.replace(/[\p{L}\p{M}\p{N}\p{Co}_]*$/u, '') : start).trim();
    return /[\p{L}\p{N}]/u.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : null;
}
