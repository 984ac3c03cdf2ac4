// The window of records that is in memory, out of an answer of any length; grows at both ends by cursors, jumps by time.

import { PAGE } from './api.js';
import { jump } from './jump.js';
import { areOther, compareCursors, idParts, wholeId } from './place.js';
import { parse } from './time.js';

const MOST_ROWS = 3000;
const REACH = 60;
// A jump lands where the histogram believes that the rows are; as long as it is not far, the list goes there page by page.
const FAR = 2000;
const MOST_ASKED = 1000;

/**
 * Rows are counted from the top of the list. `base` is the row of the first record here; between the ends of the answer it is
 * an estimate from the histogram, corrected when an end is met, which `onShift` tells as a number of rows.
 */
export class Pages {
    /**
     * @param {object} hooks
     * @param {(parameters: object) => Promise<any>} hooks.ask a page of the present filter
     * @param {(row: number) => number|null} hooks.timeAt about when, in ms, the record of this row was made
     * @param {(ms: number) => number} hooks.rowAt about which row has a record of this time
     * @param {() => void} hooks.onOther the records are of another file than what is here
     * @param {() => void} hooks.onChange
     * @param {(rows: number) => void} hooks.onShift
     * @param {() => void} hooks.onOtherTotal an end has come, and may not be where the histogram has it
     * @param {(error: Error) => void} hooks.onError
     */
    constructor(hooks) {
        Object.assign(this, hooks);
        this.file = null;
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
     * Takes the first page of an answer: of its beginning, or around a record.
     * @param {{records: object[], older: string|null, newer: string|null, file: string|null, around?: string}} page
     */
    begin(page) {
        this.records = page.records;
        this.file = page.file;
        this.base = 0;
        const isMidst = page.around !== undefined && page.records.length > 0;
        // Whether there is more above is asked when it is looked at.
        this.atTop = !isMidst || (this.order === 'oldest' && page.older === null);
        this.atEnd = isMidst && this.order === 'oldest' ? false : this.isLast(page);
        // Where half of a page is above the record there may be any number more: how many, the histogram says.
        this.isAdrift = !this.atTop && this.placeOf(page.around) >= PAGE / 2 - 1;
        if (this.isAdrift) this.base = PAGE;
        this.onChange();
    }

    moor() {
        this.isAdrift = false;
        if (this.atTop) return;
        const rest = this.total - this.records.length;
        const base = this.atEnd ? rest : Math.min(rest, this.rowAt(parse(this.records[0].created)));
        const rows = Math.max(base, PAGE) - this.base;
        this.base += rows;
        this.onShift(rows);
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
        if (this.isAdrift) this.moor();
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
        const [number, file] = idParts(id);
        const found = this.isOther(file) ? -1 : this.records.findIndex((record) => String(record.id) === number);
        return found < 0 ? -1 : found + this.base;
    }

    /**
     * @param {object} record
     * @returns {string} its id, with the number of the file
     */
    idOf(record) {
        return wholeId(record.id, this.file);
    }

    /** @param {string|null|undefined} file the number of one: whether it is another than the one whose records are here */
    isOther(file) {
        return areOther(file, this.file);
    }

    /**
     * @param {string} cursor
     * @returns {number} the row of its record, or that before which it would stand
     */
    placeOf(cursor) {
        const sign = this.order === 'newest' ? -1 : 1;
        const place = this.records.findIndex((record) => sign * compareCursors(record.cursor, cursor) >= 0);
        return this.base + (place < 0 ? this.records.length : place);
    }

    /**
     * Sees to it that these rows come.
     * @param {number} from
     * @param {number} to
     */
    want(from, to) {
        const end = this.base + this.records.length;
        if (this.records.length === 0 && this.atEnd) return;
        // The ends are met exactly.
        const isEdge = from <= PAGE || (this.total !== null && to > this.total - PAGE);
        const far = isEdge ? PAGE : FAR;
        if (to < this.base - far || from > end + far) {
            jump(this, from, to);
            return;
        }
        if (from < this.base + REACH && !this.atTop) this.extend('top', this.base - from);
        if (to > end - REACH && !this.atEnd) this.extend('end', to - end);
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
            if (this.isOther(page.file)) {
                // Nothing is asked for until all of it begins anew.
                this.generation += 1;
                this.asking.add('jump');
                this.onOther();
                return;
            }
            this.isAdrift &&= what !== 'jump';
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

    extend(side, missing) {
        const isNewer = (side === 'top') === (this.order === 'newest');
        const next = side === 'top' ? this.records[0] : this.records.at(-1);
        if (side === 'top') this.hasPassed = false;
        const limit = Math.max(PAGE, Math.min(MOST_ASKED, missing + REACH));
        this.fetch(side, { [isNewer ? 'after' : 'before']: next.cursor, limit }, (page) => {
            const isDone = isNewer ? page.records.length === 0 && !(side === 'top' && this.hasPassed) : page.older === null;
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
            this.hasPassed = true;
        } else if (place < this.records.length || this.atEnd) {
            this.records.splice(place, 0, record);
            this.trim(this.order === 'newest' ? 'end' : 'top');
        }
    }
}
