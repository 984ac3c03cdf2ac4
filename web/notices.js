// What the page says: short messages that go away, troubles that stay, counts for screen readers.

import { connection } from './api.js';
import { byId, el } from './dom.js';
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
 * @param {{title: string, act: () => void}} [way] a button with the way out
 */
export function trouble(text, way) {
    const bar = byId('trouble');
    bar.hidden = !text;
    bar.replaceChildren(text, ...(way && text ? [' ', el('button', { type: 'button', onclick: way.act }, way.title)] : []));
}

/** Says from now on when the server is away, or busy. */
export function tellConnection() {
    connection.addEventListener('lost', () => trouble('The server cannot be reached. This page tries again every second.'));
    connection.addEventListener('back', () => {
        trouble('');
        say('Connected again.');
    });
    connection.addEventListener('busy', () => say('The server is busy; this page tries again.'));
    if (connection.isLost) connection.dispatchEvent(new Event('lost'));
    if (connection.wasBusy) connection.dispatchEvent(new Event('busy'));
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
 */
export function busy(id, isBusy) {
    byId(id).classList.toggle('stale', isBusy);
    if (isBusy) byId(id).setAttribute('aria-busy', 'true');
    else byId(id).removeAttribute('aria-busy');
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
