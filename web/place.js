// Which record is meant, and where the list stands.

/**
 * The id of a record with the number of its file, in another of which the same id is of another record.
 * @param {number|string} id
 * @param {string|null|undefined} file
 * @returns {string} `ID@FILE`; the id alone where the file is not known
 */
export const wholeId = (id, file) => (file ? `${id}@${file}` : String(id));

/**
 * @param {number|string|null} id
 * @returns {[string, string|undefined]} the number of the record, and that of its file
 */
export const idParts = (id) => String(id ?? '').split('@');

/**
 * Whether two numbers are of different files, as far as is known.
 * @param {string|null|undefined} one
 * @param {string|null|undefined} other
 * @returns {boolean}
 */
export const areOther = (one, other) => Boolean(one && other && one !== other);

/**
 * Whether two ids are of one record, as far as is known.
 * @param {string} a
 * @param {string} b
 * @returns {boolean}
 */
export function areSame(a, b) {
    const [[one, file], [other, otherFile]] = [idParts(a), idParts(b)];
    return one === other && !areOther(file, otherFile);
}

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

// How long the list rests before its place is kept: browsers take only so many changes of the history.
const KEEP_AFTER_MS = 300;

/** @returns {string} the record that was the first in view at this step of the history; empty: the list stood at its beginning */
export const keptPlace = () => history.state?.at ?? '';

/** Keeps where the list stands with the step of the history: Back and a reload show it there again. */
export class Place {
    /**
     * @param {HTMLElement} scroller
     * @param {() => string|undefined|null} first the id of the first record in view, undefined at the beginning; null: what is seen is
     *   not of this step, or still awaited
     */
    constructor(scroller, first) {
        this.first = first;
        scroller.addEventListener('scrollend', () => {
            clearTimeout(this.timer);
            this.timer = setTimeout(() => this.rest(), KEEP_AFTER_MS);
        });
        addEventListener('popstate', () => clearTimeout(this.timer));
    }

    rest() {
        this.keep();
        if (this.first() === null) this.timer = setTimeout(() => this.rest(), KEEP_AFTER_MS);
    }

    keep() {
        clearTimeout(this.timer);
        const at = this.first();
        if (at !== null && (at ?? '') !== keptPlace()) history.replaceState(at ? { at } : null, '');
    }
}
