// Draws a histogram: bars stacked by level, one path for each level.

import { shape } from './dom.js';
import { LEVELS } from './levels.js';
import { grouped, tick } from './time.js';

/** @typedef {{total: number, from: string|null, to: string|null, width_ms: number, buckets: {start_ms: number, counts: number[]}[]}} Histogram */

const sum = (counts) => counts.reduce((total, count) => total + count, 0);

/**
 * The counts of all buckets, by level.
 * @param {Histogram} histogram
 * @returns {number[]}
 */
export const levelTotals = ({ buckets }) => LEVELS.map((_, level) => buckets.reduce((total, { counts }) => total + counts[level], 0));

/**
 * The largest bucket, which the heights of bars refer to.
 * @param {Histogram} histogram
 * @returns {number}
 */
export const highest = ({ buckets }) => buckets.reduce((most, { counts }) => Math.max(most, sum(counts)), 0);

/**
 * Counts as words: "3 info, 1 error".
 * @param {number[]} counts
 * @returns {string}
 */
export function inWords(counts) {
    const parts = counts.map((count, level) => count && `${grouped(count)} ${LEVELS[level]}`).filter(Boolean);
    return parts.join(', ') || 'nothing';
}

/**
 * When the drawing begins and ends.
 * @param {Histogram} histogram
 * @returns {[number, number]} ms
 */
export function span({ buckets, width_ms: width }) {
    return buckets.length === 0 ? [0, 1] : [buckets[0].start_ms, buckets.at(-1).start_ms + width];
}

/**
 * When a bar begins; behind the last one, when that one ends.
 * @param {Histogram} histogram
 * @param {number} place
 * @returns {number} ms
 */
export const edge = ({ buckets, width_ms: width }, place) => buckets[place]?.start_ms ?? buckets.at(-1).start_ms + width;

/**
 * The other way round: where a time lies, counted in bars, with a part of one; within the drawing.
 * @param {Histogram} histogram
 * @param {number} ms
 * @returns {number}
 */
export function placeOf(histogram, ms) {
    const { buckets } = histogram;
    const place = Math.max(0, buckets.findLastIndex(({ start_ms: start }) => start <= ms));
    const [start, end] = [edge(histogram, place), edge(histogram, place + 1)];
    return place + Math.max(0, Math.min(1, (ms - start) / (end - start)));
}

const AROUND = 30;

/**
 * A lone bar gets empty ones around it: the server cuts the time from the first to the last record into bars, and where that is one moment,
 * its millisecond would be as wide as the drawing.
 * @param {Histogram} histogram
 * @returns {Histogram}
 */
export function withRoom(histogram) {
    const { buckets: [only, ...others], width_ms: width } = histogram;
    if (!only || others.length > 0) return histogram;
    const buckets = Array.from({ length: 2 * AROUND + 1 }, (_, place) => (place === AROUND ? only
        : { start_ms: only.start_ms + (place - AROUND) * width, counts: only.counts.map(() => 0) }));
    return { ...histogram, buckets };
}

// A single error must be seen beside ten thousand debug records: a level that is there has at least this many pixels.
const LEAST = 1.5;

/**
 * Draws into an svg element of this size, in pixels.
 * @param {SVGElement} svg
 * @param {Histogram} histogram
 * @param {{width: number, height: number, most: number}} size
 */
export function drawBars(svg, { buckets }, { width, height, most }) {
    svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
    const step = width / Math.max(1, buckets.length);
    const gap = step > 4 ? 1 : 0;
    const paths = LEVELS.map(() => '');
    for (const [place, { counts }] of buckets.entries()) {
        const x = (place * step).toFixed(1);
        const bar = Math.max(0.5, step - gap).toFixed(1);
        let y = height;
        for (let level = LEVELS.length - 1; level >= 0; level -= 1) {
            if (counts[level] === 0) continue;
            const tall = Math.max(LEAST, (counts[level] / most) * (height - 2));
            const from = Math.max(0, y - tall);
            paths[level] += `M${x} ${y.toFixed(1)}h${bar}V${from.toFixed(1)}h-${bar}z`;
            y = from;
        }
    }
    svg.replaceChildren(...paths.map((d, level) => shape('path', { d, class: `bar ${LEVELS[level]}` })));
}

const STEPS_MS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 108e5, 216e5,
    432e5, 864e5, 1728e5, 6048e5, 12096e5, 24192e5, 96768e5];
const ROOM = 96;

/**
 * Round local times under the drawing, as many as there is room for.
 * @param {Histogram} histogram
 * @param {number} width in pixels
 * @returns {{part: number, text: string}[]} where, as a part of the width, and what
 */
export function ticks(histogram, width) {
    if (histogram.buckets.length === 0) return [];
    const [from, to] = span(histogram);
    const step = STEPS_MS.find((ms) => ((to - from) / ms) * ROOM <= width) ?? to - from;
    const ahead = new Date(from).getTimezoneOffset() * -6e4;
    const fine = step < 1e3 ? 1e3 : step < 6e4 ? 6e4 : 36e5;
    const found = [];
    // None begins where there is no room for it.
    const last = to - ((to - from) * ROOM) / 2 / width;
    for (let ms = Math.ceil((from + ahead) / step) * step - ahead; ms < last; ms += step) {
        const isDay = found.length === 0 || (ms + ahead) % 864e5 === 0;
        found.push({ part: (ms - from) / (to - from), text: isDay && to - from > 36e5 ? tick(ms, 864e5) : tick(ms, fine) });
    }
    if (step >= 864e5) return found.map(({ part }) => ({ part, text: tick(from + part * (to - from), to - from + 3 * 864e5) }));
    return found;
}
