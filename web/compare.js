// Which time range the present one is compared with.

import { ask, isAbort } from './api.js';
import { visible } from './dom.js';
import { valuesOf, withoutTimes } from './terms.js';
import { nanos, ofNanos, parse, shownTime, withOffset } from './time.js';
import { filterOf } from './view.js';

const UNITS = { m: 6e4, h: 36e5, d: 864e5, w: 6048e5 };

/** The choices of the menu: what stands in the URL, and how it is called. */
export const CHOICES = [['before', 'The period before'], ['1h', 'An hour earlier'], ['1d', 'A day earlier'], ['7d', 'A week earlier']];

// How much earlier the other range begins, in ns; null when that cannot be read.
function earlierBy(compare, from, to) {
    if (compare === 'before') return to - from + 1n;
    const parts = /^(\d{1,6})([mhdw])$/.exec(compare);
    if (parts) return BigInt(Number(parts[1]) * UNITS[parts[2]]) * 1_000_000n;
    const start = startOf(compare);
    return start === null ? null : from - nanos(start);
}

/**
 * The start of a range, as it was typed or stands in the URL, as RFC 3339.
 * @param {string} text
 * @returns {string|null} null: it is no time
 */
export function startOf(text) {
    const start = withOffset(text, 'first');
    const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(start) && !Number.isNaN(parse(start));
    return isTime ? start : null;
}

/**
 * The parameters that ask for the histogram of the other range, as long as the first, and its title; or why there is none.
 * @param {import('./view.js').View} view
 * @param {import('./chart.js').Histogram} histogram of the present range
 * @returns {{parameters: object, title: string}|{reason: string}|null} null: nothing is compared
 */
function otherRange(view, histogram) {
    if (!view.compare || histogram.from === null) return null;
    const bound = (name) => view[name] || valuesOf(view.q, `${name}:`).length > 0;
    const title = CHOICES.find(([value]) => value === view.compare)?.[1];
    if (view.compare === 'before' && !bound('since')) return { reason: `${title}: nothing is before all time. Choose a range of time first.` };
    const from = nanos(histogram.from);
    let to = nanos(histogram.to);
    // Without an end the range lasts until now, though the newest record may be older.
    if (bound('since') && !bound('until')) to = [to, BigInt(Date.now()) * 1_000_000n].reduce((a, b) => (a > b ? a : b));
    const by = earlierBy(view.compare, from, to);
    if (by === null) return { reason: `“${visible(view.compare)}” is no time to compare with; use 2026-11-22 16:20, or 1h, 1d, 7d.` };
    const [since, until] = [ofNanos(from - by), ofNanos(to - by)];
    if (since === null || until === null) return { reason: 'The time to compare with lies outside of the years 1677 to 2262.' };
    const q = withoutTimes(view.q);
    return {
        parameters: { ...filterOf({ q, since, until }), buckets: Math.max(10, Math.min(500, histogram.buckets.length + 1)) },
        title: title ?? `From ${shownTime(since)}`,
    };
}

/** Asks for the other range, and shows it. */
export class Comparison {
    /**
     * @param {import('./histogram.js').HistogramView} histogram
     * @param {() => import('./view.js').View} view
     */
    constructor(histogram, view) {
        this.histogram = histogram;
        this.view = view;
    }

    /** Until the answer is there, there is none. @param {AbortSignal} signal */
    begin(signal) {
        this.histogram.compare(null);
        return this.renew(signal);
    }

    /** Until the answer is there, the one before stays. @param {AbortSignal} signal */
    async renew(signal) {
        const { histogram } = this;
        const { compare } = this.view();
        const other = otherRange(this.view(), histogram.now);
        if (!other || other.reason) {
            histogram.compare(null, other?.reason);
            return;
        }
        try {
            const compared = await ask('/api/histogram', other.parameters, signal);
            if (compare === this.view().compare) histogram.compare(compared, other.title);
        } catch (error) {
            if (!isAbort(error)) histogram.compare(null, `${other.title}: ${error.message}`);
        }
    }
}
