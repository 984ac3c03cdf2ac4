// What the page shows, as it stands in the URL: a link shows the same view.

/**
 * `compare` is empty, `before`, a duration as 1d, or the start of the other range.
 * @typedef {{q: string, since: string, until: string, live: boolean, id: string, compare: string, order: 'newest'|'oldest'}} View
 */

/**
 * @param {string} search of the URL
 * @returns {View}
 */
export function readView(search) {
    const given = new URLSearchParams(search);
    const text = (name) => (given.get(name) ?? '').trim();
    return {
        q: text('q'),
        since: text('since'),
        until: text('until'),
        live: text('live') === '1',
        id: /^\d+(@[0-9a-f]{1,16})?$/.test(text('id')) ? text('id') : '',
        compare: text('compare'),
        order: text('order') === 'oldest' ? 'oldest' : 'newest',
    };
}

/**
 * The other way round; what is as usual is left out.
 * @param {View} view
 * @returns {string} '' or `?…`
 */
export function viewSearch(view) {
    const search = new URLSearchParams();
    for (const name of ['q', 'since', 'until', 'compare', 'id']) {
        if (view[name]) search.set(name, view[name]);
    }
    if (view.order === 'oldest') search.set('order', 'oldest');
    if (view.live) search.set('live', '1');
    // What needs no escape is easier to read without one.
    const text = search.toString().replaceAll('%40', '@');
    return text && `?${text}`;
}

/**
 * The parameters of the API that say which records are asked for.
 * @param {View} view
 * @returns {Object<string, string>}
 */
export function filterOf({ q, since, until }) {
    const filter = {};
    if (q) filter.q = q;
    if (since) filter.since = since;
    if (until) filter.until = until;
    return filter;
}

/**
 * Whether two views ask for the same records.
 * @param {View} a
 * @param {View} b
 * @returns {boolean}
 */
export const sameFilter = (a, b) => a.q === b.q && a.since === b.since && a.until === b.until;
