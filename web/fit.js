// Fits the records in memory to what the histogram says anew: some may have left the range of time, or been removed, without a word.

/**
 * Lets go of records that are older than what is asked for.
 * @param {import('./pages.js').Pages} pages
 * @param {string|null} from the oldest moment, RFC 3339; null: there is nothing
 * @param {object[]} fresh come since that was asked
 */
export function dropOlder(pages, from, fresh) {
    const kept = new Set(fresh);
    const left = pages.records.filter((record) => kept.has(record) || (from !== null && record.created >= from));
    const gone = pages.records.length - left.length;
    if (gone === 0 || (left.length === 0 && !pages.atTop)) return;
    pages.records = left;
    if (pages.order === 'newest') pages.atEnd = true;
    else {
        pages.atTop = true;
        pages.base += gone;
        pages.moveTo(0);
    }
    pages.onChange();
}

/**
 * Gives the records that are here their place among so many.
 * @param {import('./pages.js').Pages} pages
 * @param {number} total
 * @param {'told'|'untold'} growth whether the page is told of new records; else there may be some that it has not seen
 */
export function fitTotal(pages, total, growth) {
    if (growth === 'untold' && pages.isWhole && total > pages.records.length) {
        if (pages.order === 'newest') pages.atTop = false;
        else pages.atEnd = false;
    }
    if (pages.atEnd && !pages.atTop) pages.moveTo(Math.max(1, total - pages.records.length));
    pages.setTotal(total);
}
