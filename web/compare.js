// Which time range the present one is compared with.

import { filterOf } from './view.js';
import { span } from './chart.js';
import { instant, parse, tick, withOffset } from './time.js';
import { without } from './terms.js';

const UNITS = { m: 6e4, h: 36e5, d: 864e5, w: 6048e5 };

/** The choices of the menu: what stands in the URL, and how it is called. */
export const CHOICES = [['before', 'The period before'], ['1h', 'An hour earlier'], ['1d', 'A day earlier'], ['7d', 'A week earlier']];

// How much earlier the other range begins.
function earlierBy(compare, from, to) {
    if (compare === 'before') return to - from;
    const parts = /^(\d+)([mhdw])$/.exec(compare);
    if (parts) return Number(parts[1]) * UNITS[parts[2]];
    return from - parse(withOffset(compare, 'first'));
}

/**
 * The parameters that ask for the histogram of the other range, as long as the first, and its title.
 * @param {import('./view.js').View} view
 * @param {import('./chart.js').Histogram} histogram of the present range
 * @returns {{parameters: object, title: string}|null} null: there is nothing to compare, or the choice makes no sense
 */
export function otherRange(view, histogram) {
    if (!view.compare || histogram.buckets.length === 0) return null;
    const [from, to] = span(histogram);
    const by = earlierBy(view.compare, from, to);
    if (!Number.isFinite(by)) return null;
    const q = without(view.q, 'since:', 'until:');
    const range = { since: instant(from - by, 'first'), until: instant(to - by - 1, 'last') };
    const named = CHOICES.find(([value]) => value === view.compare)?.[1];
    return {
        parameters: { ...filterOf({ q, ...range }), buckets: Math.max(10, Math.min(500, histogram.buckets.length + 1)) },
        title: named ?? `From ${tick(from - by, 864e5)}`,
    };
}
