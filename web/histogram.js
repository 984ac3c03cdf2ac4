// The histogram of the answer: its drawing, its summary, its levels to filter by, and a second time range to compare with.

import { Brush } from './brush.js';
import { drawBars, edge, highest, inWords, levelTotals, span, ticks, withRoom } from './chart.js';
import { byId, el } from './dom.js';
import { LEVELS, stepOf } from './levels.js';
import { duration, grouped, instant, parse, tick } from './time.js';

const EMPTY = { total: 0, from: null, to: null, width_ms: 0, buckets: [] };
const MOST_BUCKETS = 180;
// What is in an answer may be told of by the stream a little later.
const SETTLE_MS = 1000;

/** The part of the page over the list. */
export class HistogramView {
    /**
     * @param {object} hooks
     * @param {(since: string, until: string) => void} hooks.onZoom
     * @param {(level: string, isChosen: boolean) => void} hooks.onLevel whether it was chosen before
     * @param {() => void} hooks.onOutgrown there are records without a bar: it has to be asked for again
     */
    constructor(hooks) {
        Object.assign(this, hooks);
        this.now = EMPTY;
        this.isKnown = false;
        this.other = null;
        this.otherTitle = '';
        this.plot = byId('plot');
        this.brush = new Brush(this.plot, {
            drawn: () => this.now,
            onZoom: (from, to) => this.onZoom(instant(from, 'first'), instant(to - 1, 'last')),
            onHover: (bucket) => this.hover(bucket),
        });
        this.legend = LEVELS.map((level) => {
            const count = el('b', {}, '');
            const button = el('button', {
                type: 'button', class: `chip ${level}`, title: `Only ${level} and worse`, 'aria-pressed': 'false',
                onclick: () => this.onLevel(level, button.matches('[aria-pressed="true"]')),
            }, el('i', { class: `badge ${level}`, 'aria-hidden': 'true' }, level[0].toUpperCase()), `${level} `, count);
            byId('levels').append(button);
            return count;
        });
        new ResizeObserver(() => this.draw()).observe(this.plot);
    }

    /**
     * Shows which levels are asked for.
     * @param {string[]} values of `level:` in the search text
     */
    choose(values) {
        const chosen = values.map((value) => value.replace(/^>=/, '').toLowerCase());
        this.legend.forEach((count, level) => count.parentElement.setAttribute('aria-pressed', String(chosen.includes(LEVELS[level]))));
    }

    /** A question is on its way: what comes from now on may be missing in its answer. */
    asked() {
        this.recent = [];
    }

    /**
     * Takes the answer to another question than before.
     * @param {import('./chart.js').Histogram|null} histogram null: there is no answer
     */
    set(histogram) {
        if (!histogram) this.compare(null);
        this.begin(histogram, null);
        this.brush.reset();
        this.draw();
    }

    /**
     * Takes a new answer to the same question: what is chosen of it stays.
     * @param {import('./chart.js').Histogram} histogram
     * @param {number|null} rows how many records there are, where all are at hand
     */
    renew(histogram, rows) {
        this.begin(histogram, rows);
        this.brush.redraw();
        this.draw();
    }

    // Some of what has come since the question was asked is in the answer. Where all records are at hand, their number tells how much,
    // since they come in the order in which they are stored; else their times do.
    begin(histogram, rows) {
        const recent = this.recent ?? [];
        // They may be older than all that the answer has.
        this.fresh = recent;
        this.recent = null;
        this.isKnown = histogram !== null;
        this.now = histogram ? withRoom(histogram) : EMPTY;
        this.begunAt = performance.now();
        this.owed = rows === null ? 0 : Math.max(0, this.now.total - rows);
        this.isTold = rows === null ? ({ created }) => created >= this.now.from && created <= this.now.to : () => this.owed > 0 && this.owed-- > 0;
        if (!histogram) return;
        this.count(rows === null ? recent.filter((record) => !this.isTold(record))
            : recent.slice(recent.length - Math.max(0, Math.min(recent.length, rows - this.now.total))));
    }

    /**
     * The histogram of the other time range; null for none.
     * @param {import('./chart.js').Histogram|null} histogram
     * @param {string} [title] of it, or why there is none
     */
    compare(histogram, title = '') {
        this.other = histogram && withRoom(histogram);
        this.otherTitle = title;
        byId('other').hidden = !histogram && !title;
        byId('other-plot').hidden = !histogram;
        this.draw();
    }

    /**
     * Counts records that have just come.
     * @param {object[]} records
     */
    add(records) {
        this.recent?.push(...records);
        if (!this.isKnown) return;
        const isNew = performance.now() - this.begunAt < SETTLE_MS ? (record) => !this.isTold(record) : () => true;
        this.count(records.filter(isNew));
        this.brush.redraw();
        this.draw();
    }

    /**
     * Lets go of bars that have ended, but for the last one, and of what they count.
     * @param {number} ms
     * @returns {number|null} where the first one begins then; null: none has gone
     */
    leave(ms) {
        const { now } = this;
        let gone = 0;
        while (gone < now.buckets.length - 1 && edge(now, gone + 1) <= ms) gone += 1;
        if (gone === 0) return null;
        for (const { counts } of now.buckets.splice(0, gone)) now.total -= counts.reduce((total, each) => total + each, 0);
        this.brush.redraw();
        this.draw();
        return now.buckets[0].start_ms;
    }

    // What has no bar is counted with the next one until the histogram has been asked for again.
    count(records) {
        for (const { created, levelno } of records) {
            const ms = parse(created);
            if (this.now.buckets.length === 0) {
                this.now = withRoom({ ...this.now, width_ms: 1, buckets: [{ start_ms: ms, counts: [0, 0, 0, 0, 0] }] });
            }
            const { now } = this;
            const { buckets, width_ms: width } = now;
            const place = Math.max(0, Math.floor((ms - buckets[0].start_ms) / width));
            if (ms < buckets[0].start_ms || place > MOST_BUCKETS) this.onOutgrown();
            while (place >= buckets.length && buckets.length <= MOST_BUCKETS) {
                buckets.push({ start_ms: buckets.at(-1).start_ms + width, counts: [0, 0, 0, 0, 0] });
            }
            now.total += 1;
            buckets[Math.min(place, buckets.length - 1)].counts[stepOf(levelno)] += 1;
        }
    }

    /**
     * About when the record of this row was made, rows counted from one end.
     * @param {number} row
     * @param {'newest'|'oldest'} order
     * @returns {number|null} ms
     */
    timeAt(row, order) {
        const { buckets, width_ms: width } = this.now;
        const isNewest = order === 'newest';
        let left = row;
        for (const bucket of isNewest ? buckets.toReversed() : buckets) {
            const count = bucket.counts.reduce((total, each) => total + each, 0);
            if (left < count) {
                const part = (left / count) * width;
                return isNewest ? bucket.start_ms + width - part : bucket.start_ms + part;
            }
            left -= count;
        }
        return null;
    }

    /**
     * The other way round: about which row has a record of this time.
     * @param {number} ms
     * @param {'newest'|'oldest'} order
     * @returns {number}
     */
    rowAt(ms, order) {
        const { buckets, width_ms: width } = this.now;
        let older = 0;
        let all = 0;
        for (const { start_ms: start, counts } of buckets) {
            const count = counts.reduce((total, each) => total + each, 0);
            older += count * Math.max(0, Math.min(1, (ms - start) / width));
            all += count;
        }
        return Math.round(order === 'newest' ? all - older : older);
    }

    hover(bucket) {
        const { buckets, width_ms: width } = this.now;
        const shown = bucket === null ? null : buckets[bucket];
        byId('hover').textContent = shown
            ? `${tick(shown.start_ms, Math.min(width * 10, 864e5))} · ${duration(width)}: ${inWords(shown.counts)}` : '';
    }

    draw() {
        const { now, other } = this;
        const { clientWidth: width, clientHeight: height } = this.plot;
        if (width === 0) return;
        const most = Math.max(highest(now), other ? highest(other) : 0);
        drawBars(byId('bars'), now, { width, height, most });
        byId('ticks').replaceChildren(...ticks(now, width).map(({ part, text }) => {
            const mark = el('span', {}, text);
            mark.style.left = `${part * 100}%`;
            return mark;
        }));
        const totals = levelTotals(now);
        this.legend.forEach((count, level) => {
            count.textContent = this.isKnown ? grouped(totals[level]) : '';
            count.parentElement.classList.toggle('none', this.isKnown && totals[level] === 0);
        });
        byId('bars').setAttribute('aria-label', this.summary());
        byId('width').textContent = now.buckets.length > 0 ? `${duration(now.width_ms)} a bar` : '';
        this.dates();
        if (!other) {
            byId('other-title').textContent = this.otherTitle;
            return;
        }
        drawBars(byId('other-bars'), other, { width, height: byId('other-plot').clientHeight, most });
        const difference = now.total - other.total;
        const size = Math.round(Math.abs(difference / other.total) * 100);
        const percent = other.total > 0 ? ` (${size === 0 ? '' : difference < 0 ? '−' : '+'}${size} %)` : '';
        const text = `${this.otherTitle}: ${grouped(other.total)} records; now ${grouped(now.total)}${percent}`;
        byId('other-title').textContent = text;
        byId('other-bars').setAttribute('aria-label', `Histogram of ${text}: ${inWords(levelTotals(other))}`);
    }

    // How much of a time the rows of the list have to say.
    dates() {
        const [from, to] = span(this.now);
        const isThere = this.now.buckets.length > 0;
        document.body.classList.toggle('many-days', isThere && to - from > 864e5);
        document.body.classList.toggle('with-year', isThere && new Date(from).getFullYear() !== new Date().getFullYear());
    }

    summary() {
        const { now } = this;
        if (!this.isKnown) return 'Histogram: not known';
        if (now.total === 0 || now.buckets.length === 0) return 'Histogram: no records';
        const [from, to] = span(now);
        return `Histogram of ${grouped(now.total)} records from ${new Date(from).toLocaleString()} to ${new Date(to).toLocaleString()}, `
            + `${duration(now.width_ms)} a bar: ${inWords(levelTotals(now))}`;
    }
}
