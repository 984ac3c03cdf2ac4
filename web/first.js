// Sends the first questions as early as can be, before the rest of the page begins.

import { ask, PAGE, wait } from './api.js';
import { keptPlace } from './place.js';
import { filterOf, readView } from './view.js';
import { without } from './terms.js';

// How long histogram and tree wait for the rows to be drawn.
const PATIENCE_MS = 150;

/**
 * `at` is the record that the list begins with, where it stood at one.
 * @typedef {{records: Promise<any>, histogram: Promise<any>, names: Promise<any>, drawn: () => void, at: string}} Answers
 */

// All hosts, where some are chosen: one can go from each to each.
async function otherHosts(view, signal) {
    const q = without(view.q, 'host:');
    if (q === view.q) return {};
    const answer = await ask('/api/names', filterOf({ ...view, q }), signal);
    return Object.fromEntries(Object.entries(answer).filter(([name]) => name.startsWith('hosts')));
}

/**
 * The filter of the tree, which shows the other loggers, too, when some are chosen.
 * @param {import('./view.js').View} view
 * @returns {Object<string, string>}
 */
export const aroundOf = (view) => filterOf({ ...view, q: without(view.q, 'name:') });

/**
 * @param {import('./view.js').View} view
 * @param {AbortSignal} [signal]
 * @returns {Promise<import('./chart.js').Histogram>}
 */
export const askHistogram = (view, signal) => ask('/api/histogram', { ...filterOf(view), buckets: 120 }, signal);

/**
 * @param {import('./view.js').View} view
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>} what the sidebar shows
 */
export async function askNames(view, signal) {
    const [names, hosts] = await Promise.all([ask('/api/names', aroundOf(view), signal), otherHosts(view, signal)]);
    return { ...names, ...hosts };
}

/**
 * The questions whose answers make a view. Histogram and tree look at every record that matches, with all processors: where server and
 * browser share a machine the rows would come later for it, so these two are asked when the rows are `drawn`, or soon anyway.
 * @param {import('./view.js').View} view
 * @param {AbortSignal} [signal]
 * @param {string} [at] the record that was the first in view
 * @returns {Answers}
 */
export function questions(view, signal, at = '') {
    const filter = filterOf(view);
    let drawn;
    const isDrawn = new Promise((resolve) => { drawn = resolve; });
    const turn = Promise.race([isDrawn, wait(PATIENCE_MS, signal)]);
    const page = (place) => ask('/api/records', { ...filter, order: view.order, limit: PAGE, ...place }, signal);
    const stood = at || view.id;
    const answers = {
        // A record that is gone, or whose file was moved, has no place in the list.
        records: !stood ? page() : page({ around: stood }).catch((error) => {
            if (![404, 410].includes(error.status)) throw error;
            return page();
        }),
        histogram: turn.then(() => askHistogram(view, signal)),
        names: turn.then(() => askNames(view, signal)),
    };
    // Whoever wants an answer sees its error; nobody else is told.
    for (const answer of Object.values(answers)) answer.catch(() => {});
    answers.records.catch(drawn);
    return { ...answers, drawn, at };
}

/** The answers for the URL that the page was opened with, and what cancels them. */
export const first = (() => {
    const view = readView(location.search);
    const canceller = new AbortController();
    return { view, canceller, answers: questions(view, canceller.signal, keptPlace()) };
})();
