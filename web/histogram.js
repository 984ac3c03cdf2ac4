// The histogram of the answer: its drawing, its summary, its levels to filter by, and a second time range to compare with.

import { Brush } from './brush.js';
import { drawBars, highest, inWords, levelTotals, span, ticks } from './chart.js';
import { byId, el } from './dom.js';
import { LEVELS, stepOf } from './levels.js';
import { duration, grouped, instant, parse, tick } from './time.js';

const EMPTY = { total: 0, from: null, to: null, width_ms: 0, buckets: [] };
const MOST_BUCKETS = 180;

/** The part of the page over the list. */
export class HistogramView {
    /**
     * @param {object} hooks
     * @param {(since: string, until: string) => void} hooks.onZoom
     * @param {(level: string, isChosen: boolean) => void} hooks.onLevel whether it was chosen before
     * @param {() => void} hooks.onOutgrown too many buckets came: it has to be asked for again
     */
    constructor(hooks) {
        Object.assign(this, hooks);
        this.now = EMPTY;
        this.isKnown = false;
        this.other = null;
        this.otherTitle = '';
        this.plot = byId('plot');
        this.brush = new Brush(this.plot, {
            buckets: () => this.now.buckets.length,
            label: (bucket) => new Date(this.now.buckets[bucket]?.start_ms ?? span(this.now)[1]).toLocaleString(),
            onZoom: (from, to) => this.zoom(from, to),
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

    /** @param {import('./chart.js').Histogram|null} histogram null: there is no answer */
    set(histogram) {
        this.isKnown = histogram !== null;
        this.now = histogram ?? EMPTY;
        if (!this.isKnown) this.compare(null);
        this.brush.reset();
        this.draw();
    }

    /**
     * The histogram of the other time range; null for none.
     * @param {import('./chart.js').Histogram|null} histogram
     * @param {string} [title] of it, or why there is none
     */
    compare(histogram, title = '') {
        this.other = histogram;
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
        const { now } = this;
        if (now === EMPTY) {
            this.onOutgrown();
            return;
        }
        for (const record of records) {
            const ms = parse(record.created);
            now.total += 1;
            if (now.buckets.length === 0 || now.buckets.length > MOST_BUCKETS) {
                this.onOutgrown();
                return;
            }
            const place = Math.floor((ms - now.buckets[0].start_ms) / now.width_ms);
            if (place < 0 || place > now.buckets.length + MOST_BUCKETS) {
                this.onOutgrown();
                return;
            }
            while (place >= now.buckets.length) {
                now.buckets.push({ start_ms: now.buckets.at(-1).start_ms + now.width_ms, counts: [0, 0, 0, 0, 0] });
            }
            now.buckets[place].counts[stepOf(record.levelno)] += 1;
        }
        this.brush.reset();
        this.draw();
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

    zoom(from, to) {
        const { buckets, width_ms: width } = this.now;
        const last = buckets[to].start_ms + Math.max(width, 1) - 1;
        this.onZoom(instant(buckets[from].start_ms, 'first'), instant(last, 'last'));
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
        const percent = other.total > 0 ? ` (${difference < 0 ? '−' : '+'}${Math.round(Math.abs(difference / other.total) * 100)} %)` : '';
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
