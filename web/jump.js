// Goes to rows that are far from the records in memory.

import { PAGE } from './api.js';

// Records are not spread evenly over a bar: where the jump went beyond all of them, the last ones are what is there.
function jumpBack(pages, parameters, from) {
    pages.asking.delete('jump');
    pages.fetch('jump', parameters, (page) => {
        pages.records = page.records;
        pages.atEnd = true;
        pages.atTop = page.records.length === 0;
        pages.base = pages.atTop ? 0 : Math.max(from, pages.total - page.records.length);
        pages.onShift(pages.base - from);
    });
}

/**
 * Goes to rows far from what is here: to an end from its side, elsewhere to the time that the histogram has there.
 * @param {import('./pages.js').Pages} pages
 * @param {number} from
 * @param {number} to
 */
export function jump(pages, from, to) {
    const isNewest = pages.order === 'newest';
    if (from <= PAGE) {
        pages.fetch('jump', {}, (page) => pages.begin(page));
    } else if (pages.total !== null && to > pages.total - PAGE) {
        const order = isNewest ? 'oldest' : 'newest';
        pages.fetch('jump', { order }, (page) => {
            pages.records = page.records.reverse();
            pages.atEnd = true;
            pages.atTop = !isNewest && page.older === null;
            pages.base = pages.atTop ? 0 : Math.max(0, pages.total - pages.records.length);
        });
    } else {
        const ms = pages.timeAt(from);
        if (ms === null) return;
        const cursor = `${BigInt(Math.round(ms)) * 1000000n}-0`;
        const [on, back] = isNewest ? ['before', 'after'] : ['after', 'before'];
        pages.fetch('jump', { [on]: cursor }, (page) => {
            if (page.records.length === 0) {
                jumpBack(pages, { [back]: cursor }, from);
                return;
            }
            pages.records = page.records;
            pages.base = from;
            pages.atTop = false;
            pages.atEnd = pages.isLast(page);
        });
    }
}
