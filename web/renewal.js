// When histogram and tree are asked for again: from time to time while live, or when the list shows that they are of another time.

import { connection } from './api.js';
import { askHistogram, askNames } from './first.js';
import { dropOlder, fitTotal } from './fit.js';
import { partTrouble } from './notices.js';
import { valuesOf } from './terms.js';
import { instant, parse } from './time.js';

const LOOK_MS = 250;
const LEAST_MS = 1000;
const SLIDING_MS = 5000;
const STANDING_MS = 30_000;
// A server that answers slowly is left alone so many times as long; not quite so long where it is known that its answer is old.
const REST = 10;
const LEAST_REST = 3;
const LONGEST_REST_MS = 300_000;

// Whether a range moves with the clock: it begins a duration ago, not at a time of day.
const slides = (view) => [view.since, ...valuesOf(view.q, 'since:')].some((text) => /^[-+]?\d[\d.]*\s*[a-zµ]/i.test(text));

/** Keeps list, histogram and tree of one range. Never asks twice at once, nor while the page is hidden. */
export class Renewal {
    /**
     * @param {object} hooks
     * @param {import('./pages.js').Pages} hooks.pages
     * @param {import('./histogram.js').HistogramView} hooks.histogram
     * @param {import('./names.js').Names} hooks.names
     * @param {import('./compare.js').Comparison} hooks.comparison
     * @param {() => import('./view.js').View} hooks.view
     * @param {() => AbortSignal} hooks.signal
     * @param {() => boolean} hooks.may whether nothing is held back that the answer would have
     * @param {(total: number) => void} hooks.showCount
     * @param {(names: object) => void} hooks.showNames
     * @param {() => void} hooks.reload asks for everything anew
     */
    constructor(hooks) {
        Object.assign(this, hooks);
        this.asked = null;
        this.endedAt = 0;
        this.took = 0;
        // To wait for a server that is away says nothing of its pace.
        connection.addEventListener('back', () => { this.begunAt = performance.now(); });
        setInterval(() => this.look(), LOOK_MS);
    }

    /**
     * The next question comes some time after this answer.
     * @param {Promise<any>} answer
     */
    async after(answer) {
        this.asked = answer;
        this.isWanted = false;
        this.begunAt = performance.now();
        await answer.catch(() => {});
        if (answer !== this.asked) return;
        this.asked = null;
        this.endedAt = performance.now();
        this.took = this.endedAt - this.begunAt;
    }

    /** What is shown is known to be of another time. */
    soon() {
        this.isWanted = true;
    }

    get every() {
        if (this.isWanted) return LEAST_MS;
        const view = this.view();
        if (!view.live) return Infinity;
        return slides(view) ? SLIDING_MS : STANDING_MS;
    }

    look() {
        if (document.hidden || !this.may()) return;
        this.slide();
        const rest = Math.min(LONGEST_REST_MS, this.took * (this.isWanted ? LEAST_REST : REST));
        if (!this.asked && performance.now() - this.endedAt >= Math.max(this.every, rest)) this.after(this.renew());
    }

    // Between an answer and the next question a range goes on bar by bar.
    slide() {
        const { histogram, pages } = this;
        const { from } = histogram.now;
        if (!this.view().live || !slides(this.view()) || !from || pages.total === null || histogram.recent) return;
        const start = histogram.leave(parse(from) + performance.now() - histogram.begunAt);
        if (start === null) return;
        dropOlder(pages, instant(start, 'first').replace('Z', '000000Z'), []);
        fitTotal(pages, histogram.now.total, 'told');
        this.showCount(pages.total);
    }

    async renewNames(signal) {
        this.names.asked();
        this.showNames(await askNames(this.view(), signal));
    }

    // What fails is asked for again later, without a word.
    async renew() {
        const { pages, histogram } = this;
        const signal = this.signal();
        const { live, order } = this.view();
        histogram.asked();
        try {
            const answer = await askHistogram(this.view(), signal);
            dropOlder(pages, answer.from, histogram.recent ?? []);
            partTrouble('chart-trouble', '');
            histogram.renew(answer, pages.isWhole ? pages.records.length : null);
            const { total } = histogram.now;
            fitTotal(pages, total, live ? 'told' : 'untold');
            this.showCount(total);
            // Those that have gone were not the oldest.
            if (live && pages.isWhole && pages.records.length > total && order === 'newest') this.reload();
            else await Promise.all([this.comparison.renew(signal), this.renewNames(signal)]);
        } catch {
            if (!signal.aborted) histogram.recent = null;
        }
    }
}
