// What the page says: short messages that go away, troubles that stay, counts for screen readers.

import { byId, el } from './dom.js';
import { withoutTimes } from './terms.js';
import { grouped } from './time.js';

const SHOWN_MS = 5000;

/**
 * Says something for a few seconds.
 * @param {string} text
 */
export function say(text) {
    const note = el('p', { class: 'note' }, text);
    byId('notes').append(note);
    setTimeout(() => note.remove(), SHOWN_MS);
}

/**
 * Says what is wrong, until it is not any more: an empty text takes it back.
 * @param {string} text
 * @param {...{title: string, act: () => void}} ways buttons with ways out
 */
export function trouble(text, ...ways) {
    const bar = byId('trouble');
    bar.hidden = !text;
    bar.replaceChildren(text, ...ways.flatMap(({ title, act }) => [' ', el('button', { type: 'button', onclick: act }, title)]));
}

/**
 * What can be done about a question that has no answer: what cannot be read is asked in vain again, and less time is looked through sooner.
 * @param {import('./api.js').Problem} error
 * @param {import('./view.js').View} view
 * @param {() => void} again asks once more
 * @param {(changes: object) => void} change of the view
 * @returns {{title: string, act: () => void}[]}
 */
export function waysOut({ status, parameter }, { q, since, until }, again, change) {
    const range = (title, since) => ({ title, act: () => change({ since, until: '' }) });
    if (status === 400) return ['since', 'until'].includes(parameter) ? [range('All time', '')] : [];
    const isBounded = since || until || withoutTimes(q) !== q;
    return [{ title: 'Try again', act: again }, ...(status === 504 && !isBounded ? [range('Last hour', '-1h')] : [])];
}

/**
 * The line over the list, which screen readers say when it changes.
 * @param {string} text
 */
export function count(text) {
    if (byId('count').textContent !== text) byId('count').textContent = text;
}

/**
 * Says how many records there are, and what to do where there are none.
 * @param {number} total
 * @param {boolean} isAll nothing in particular is asked for
 */
export function countRecords(total, isAll) {
    const some = total === 1 ? '1 record' : `${grouped(total)} records`;
    count(total > 0 ? some : isAll ? 'No records yet.' : 'No records match.');
    byId('nothing').hidden = total !== 0 || isAll;
    byId('no-records').hidden = total !== 0 || !isAll;
}

/**
 * Marks a part of the page while what it shows belongs to another question than the one that is asked.
 * @param {string} id
 * @param {boolean} isBusy
 * @param {boolean} [isStale] it belongs to another question, though no answer is awaited
 */
export function busy(id, isBusy, isStale = isBusy) {
    byId(id).classList.toggle('stale', isStale);
    if (isBusy) byId(id).setAttribute('aria-busy', 'true');
    else byId(id).removeAttribute('aria-busy');
}

/**
 * Fills a part of the page when its answer has come. Where a question cannot be read, the part goes on showing the answer before.
 * @template T
 * @param {string} id
 * @param {Promise<T>} answer
 * @param {AbortSignal} signal when nobody waits any more
 * @param {(given: T) => void} take
 * @param {(error: Error) => void} clear
 * @returns {Promise<void>} fails as the answer does
 */
export async function fillPart(id, answer, signal, take, clear) {
    let isRefused = false;
    try {
        const given = await answer;
        if (!signal.aborted) take(given);
    } catch (error) {
        isRefused = error.status === 400;
        if (!signal.aborted && !isRefused) clear(error);
        throw error;
    } finally {
        if (!signal.aborted) busy(id, false, isRefused);
    }
}

/**
 * Says in a part of the page why there is nothing in it: an empty text takes it back.
 * @param {string} id of the paragraph
 * @param {string} text
 */
export function partTrouble(id, text) {
    byId(id).hidden = !text;
    byId(id).textContent = text;
}
