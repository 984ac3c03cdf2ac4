// One row of the list: made once, filled again and again while the list scrolls.

import { el, visible } from './dom.js';
import { LEVELS, levelName, stepOf } from './levels.js';
import { markRow } from './matches.js';
import { exactTime, rowTime } from './time.js';

const COLUMNS = ['time', 'level', 'logger', 'host', 'message'];

/**
 * The row that names the columns.
 * @returns {HTMLElement}
 */
export const headRow = () => el('div', { class: 'row head', role: 'row', 'aria-rowindex': 1 },
    ...['Time', 'Level', 'Logger', 'Host', 'Message'].map((title, column) => el('span', {
        role: 'columnheader', class: COLUMNS[column],
    }, title)));

/**
 * A badge that tells a level by letter, shape and color.
 * @param {{levelno: number, levelname?: string}} record
 * @returns {HTMLElement}
 */
export function levelBadge(record) {
    const name = visible(levelName(record));
    return el('span', { class: `badge ${LEVELS[stepOf(record.levelno)]}`, title: name },
        el('span', { 'aria-hidden': 'true' }, name.slice(0, 1).toUpperCase()), el('span', { class: 'unseen' }, name));
}

/** An element of the list that shows whatever record it is given. */
export class Row {
    /** @param {number} slot which of the list's elements it is */
    constructor(slot) {
        this.day = el('span', { class: 'day' });
        this.clock = el('span');
        this.time = el('span', { role: 'gridcell', class: 'time' }, this.day, this.clock);
        this.letter = el('span', { 'aria-hidden': 'true' });
        this.levelName = el('span', { class: 'unseen' });
        this.badge = el('span', {}, this.letter, this.levelName);
        this.level = el('span', { role: 'gridcell', class: 'level' }, this.badge);
        this.path = el('span', { class: 'path' });
        this.leaf = el('span', { class: 'leaf' });
        this.logger = el('span', { role: 'gridcell', class: 'logger' }, this.path, this.leaf);
        this.host = el('span', { role: 'gridcell', class: 'host' });
        this.text = el('span', { class: 'text' });
        this.more = el('span', { class: 'more' });
        this.folded = [];
        this.message = el('span', { role: 'gridcell', class: 'message' }, this.text, this.more);
        this.node = el('div', { class: 'row', role: 'row', id: `row-${slot}` },
            this.time, this.level, this.logger, this.host, this.message);
    }

    /**
     * @param {number} index its place in the list
     * @param {object|undefined} record nothing while it is fetched
     * @param {boolean} isSelected
     */
    show(index, record, isSelected) {
        this.index = index;
        this.node.setAttribute('aria-rowindex', String(index + 2));
        this.node.setAttribute('aria-selected', String(isSelected));
        if (record !== this.record) this.put(record);
        markRow(this);
    }

    put(record) {
        this.record = record;
        this.node.classList.toggle('waiting', !record);
        if (record) this.fill(record);
        else for (const part of [this.day, this.clock, this.letter, this.levelName, this.path, this.leaf, this.host, this.text, this.more]) {
            part.textContent = '';
        }
    }

    fill(record) {
        const { day, time } = rowTime(record.created);
        this.day.textContent = `${day} `;
        this.clock.textContent = time;
        this.time.title = `${exactTime(record.created)}\n${record.created}`;
        const step = LEVELS[stepOf(record.levelno)];
        const name = visible(levelName(record));
        this.node.dataset.level = step;
        this.node.dataset.id = record.id;
        this.badge.className = `badge ${step}`;
        this.badge.title = name;
        this.letter.textContent = name.slice(0, 1).toUpperCase();
        this.levelName.textContent = name;
        const logger = visible(record.name ?? '');
        // Loggers differ at their end: what is before it gives way where there is no room.
        const dot = Math.max(0, logger.lastIndexOf('.'));
        this.path.textContent = logger.slice(0, dot);
        this.leaf.textContent = logger.slice(dot);
        this.logger.title = logger;
        this.host.textContent = visible(record.hostname ?? '');
        const message = record.message ?? '';
        const end = message.indexOf('\n');
        // A row is one line: no browser needs to lay out the rest of a megabyte.
        this.text.textContent = visible((end < 0 ? message : message.slice(0, end)).slice(0, 1000).replace(/\r$/, ''));
        this.folded = folded(record, message, end);
        this.more.textContent = this.folded.map(({ said }) => said).join(', ');
    }
}

// What a row leaves out: further lines, a traceback.
function folded(record, message, end) {
    const parts = [];
    if (end >= 0) {
        let lines = 0;
        for (let at = end; at >= 0; at = message.indexOf('\n', at + 1)) lines += 1;
        parts.push({ said: `+${lines} line${lines === 1 ? '' : 's'}`, text: message.slice(end) });
    }
    if (record.exc_text) parts.push({ said: 'traceback', text: record.exc_text });
    if (record.stack_info) parts.push({ said: 'stack', text: record.stack_info });
    return parts;
}
