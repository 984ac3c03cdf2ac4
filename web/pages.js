// The window of records that is in memory, out of an answer of any length; grows at both ends by cursors, jumps by time.

import { PAGE } from './api.js';

const MOST_ROWS = 3000;
const REACH = 60;

/**
 * Which of two cursors is the newer one: below 0 the second, above 0 the first.
 * @param {string} a `created_ns-id`
 * @param {string} b
 * @returns {number}
 */
export function compareCursors(a, b) {
    if (a === b) return 0;
    const [[x, i], [y, j]] = [a, b].map((cursor) => /^(-?\d+)-(\d+)$/.exec(cursor).slice(1).map(BigInt));
    if (x !== y) return x < y ? -1 : 1;
    return i < j ? -1 : 1;
}

/**
 * Rows are counted from the top of the list. `base` is the row of the first record here; between the ends of the answer it is
 * an estimate from the histogram, corrected when an end is met, which `onShift` tells as a number of rows.
 */
export class Pages {
    /**
     * @param {object} hooks
     * @param {(parameters: object) => Promise<any>} hooks.ask a page of the present filter
     * @param {(row: number) => number|null} hooks.timeAt about when, in ms, the record of this row was made
     * @param {() => void} hooks.onChange
     * @param {(rows: number) => void} hooks.onShift
     * @param {() => void} hooks.onOtherTotal an end has come, and may not be where the histogram has it
     * @param {(error: Error) => void} hooks.onError
     */
    constructor(hooks) {
        Object.assign(this, hooks);
        this.forget('newest');
    }

    /**
     * Forgets everything; answers under way are not taken any more.
     * @param {'newest'|'oldest'} order
     */
    forget(order) {
        this.order = order;
        this.records = [];
        this.base = 0;
        this.total = null;
        this.atTop = true;
        this.atEnd = true;
        this.generation = (this.generation ?? 0) + 1;
        this.asking = new Set();
    }

    /**
     * Takes the first page of an answer.
     * @param {{records: object[], older: string|null, newer: string|null}} page
     */
    begin(page) {
        this.records = page.records;
        this.base = 0;
        this.atTop = true;
        this.atEnd = this.isLast(page);
        this.onChange();
    }

    // A page may be shorter than asked for where records are large; only an empty one says that there is nothing newer.
    isLast(page) {
        return this.order === 'newest' ? page.older === null : page.records.length === 0;
    }

    /** How many rows the list has, as far as is known. */
    get length() {
        const known = this.base + this.records.length;
        if (this.atEnd) return known;
        return Math.max(this.total ?? 0, known + 1);
    }

    /**
     * How many records match, as the histogram says.
     * @param {number} total
     */
    setTotal(total) {
        this.total = total;
        this.onChange();
    }

    /** Whether all records are here. */
    get isWhole() {
        return this.atTop && this.atEnd;
    }

    /**
     * @param {number} row
     * @returns {object|undefined}
     */
    at(row) {
        return this.records[row - this.base];
    }

    /**
     * @param {number|string} id
     * @returns {number} the record's row, -1 when it is not here
     */
    rowOf(id) {
        const found = this.records.findIndex((record) => String(record.id) === String(id));
        return found < 0 ? -1 : found + this.base;
    }

    /**
     * Sees to it that these rows come.
     * @param {number} from
     * @param {number} to
     */
    want(from, to) {
        const end = this.base + this.records.length;
        if (this.records.length === 0 && this.atEnd) return;
        if (to < this.base - PAGE || from > end + PAGE) {
            this.jump(from, to);
            return;
        }
        if (from < this.base + REACH && !this.atTop) this.extend('top');
        if (to > end - REACH && !this.atEnd) this.extend('end');
    }

    async fetch(what, parameters, take) {
        if (this.asking.has(what) || this.asking.has('jump')) return;
        // After a jump nothing fits that was asked for at the place before.
        if (what === 'jump') {
            this.generation += 1;
            this.asking.clear();
        }
        // Records that come meanwhile.
        if (this.asking.size === 0) this.later = [];
        const { generation } = this;
        const isStale = () => generation !== this.generation;
        this.asking.add(what);
        try {
            const page = await this.ask({ order: this.order, limit: PAGE, ...parameters });
            if (isStale()) return;
            take(page);
            // At the newest end the answer is followed by what has come since.
            const isNewest = this.order === 'newest' ? this.atTop : this.atEnd;
            if (isNewest) this.later.filter((record) => !this.has(record)).forEach((record) => this.put(record));
            const isEnd = what === 'jump' ? this.atTop || this.atEnd : this.atEnd && this.length !== this.total;
            if (isEnd && this.total !== null) this.onOtherTotal();
        } catch (error) {
            if (!isStale()) this.onError(error);
            return;
        } finally {
            if (!isStale()) this.asking.delete(what);
        }
        this.onChange();
    }

    extend(side) {
        const isNewer = (side === 'top') === (this.order === 'newest');
        const next = side === 'top' ? this.records[0] : this.records.at(-1);
        this.fetch(side, { [isNewer ? 'after' : 'before']: next.cursor }, (page) => {
            const isDone = isNewer ? page.records.length === 0 : page.older === null;
            if (side === 'top') this.putOnTop(page.records, isDone);
            else this.putBehind(page.records, isDone);
        });
    }

    putOnTop(records, isDone) {
        this.records = [...records, ...this.records];
        this.base -= records.length;
        this.atTop = isDone;
        this.settle();
        this.trim('end');
    }

    putBehind(records, isDone) {
        this.records = [...this.records, ...records];
        this.atEnd = isDone;
        this.trim('top');
    }

    // Lets go of what is too much, at the side that is not looked at.
    trim(side) {
        const excess = this.records.length - MOST_ROWS;
        if (excess <= 0) return;
        if (side === 'end') {
            this.records.length = MOST_ROWS;
            this.atEnd = false;
        } else {
            this.records.splice(0, excess);
            this.base += excess;
            this.atTop = false;
        }
    }

    // At the top the first row is 0; above it there must be room for what is still to come.
    settle() {
        this.moveTo(this.atTop ? 0 : Math.max(this.base, PAGE));
    }

    moveTo(base) {
        const rows = base - this.base;
        this.base = base;
        if (rows !== 0) this.onShift(rows);
    }

    // Far from what is here: to the end from its side, elsewhere to the time that the histogram has there.
    jump(from, to) {
        const isNewest = this.order === 'newest';
        if (from <= PAGE) {
            this.fetch('jump', {}, (page) => this.begin(page));
        } else if (this.total !== null && to > this.total - PAGE) {
            const order = isNewest ? 'oldest' : 'newest';
            this.fetch('jump', { order }, (page) => {
                this.records = page.records.reverse();
                this.atEnd = true;
                this.atTop = !isNewest && page.older === null;
                this.base = this.atTop ? 0 : Math.max(0, this.total - this.records.length);
            });
        } else {
            const ms = this.timeAt(from);
            if (ms === null) return;
            const cursor = `${BigInt(Math.round(ms)) * 1000000n}-0`;
            const [on, back] = isNewest ? ['before', 'after'] : ['after', 'before'];
            this.fetch('jump', { [on]: cursor }, (page) => {
                if (page.records.length === 0) {
                    this.jumpBack({ [back]: cursor }, from);
                    return;
                }
                this.records = page.records;
                this.base = from;
                this.atTop = false;
                this.atEnd = this.isLast(page);
            });
        }
    }

    // Records are not spread evenly over a bar: where the jump went beyond all of them, the last ones are what is there.
    jumpBack(parameters, from) {
        this.asking.delete('jump');
        this.fetch('jump', parameters, (page) => {
            this.records = page.records;
            this.atEnd = true;
            this.atTop = page.records.length === 0;
            this.base = this.atTop ? 0 : Math.max(from, this.total - page.records.length);
            this.onShift(this.base - from);
        });
    }

    /**
     * Takes a record that has just come to where its time belongs.
     * @param {object} record
     * @returns {boolean} whether it was new here
     */
    insert(record) {
        if (this.has(record)) return false;
        if (this.total !== null) this.total += 1;
        if (this.asking.size > 0) this.later.push(record);
        this.put(record);
        return true;
    }

    // A file that was begun anew gives the same ids again, to records of other times.
    has(record) {
        return this.records.some(({ cursor }) => cursor === record.cursor);
    }

    put(record) {
        const sign = this.order === 'newest' ? -1 : 1;
        let place = this.order === 'newest' ? 0 : this.records.length;
        const isAfter = (other) => sign * compareCursors(record.cursor, other.cursor) > 0;
        while (place < this.records.length && isAfter(this.records[place])) place += 1;
        while (place > 0 && !isAfter(this.records[place - 1])) place -= 1;
        if (place === 0 && !this.atTop) {
            this.base += 1;
        } else if (place < this.records.length || this.atEnd) {
            this.records.splice(place, 0, record);
            this.trim(this.order === 'newest' ? 'end' : 'top');
        }
    }
}
