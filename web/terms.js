// The search text: cutting it into terms, quoting values, putting terms in and taking them out.

/** @typedef {{text: string, from: number, to: number}} Term */

/** The keys with a colon that the search text knows; a minus before one leaves out what it finds. */
export const KEYS = ['level:', 'name:', 'host:', 'process:', 'thread:', 'since:', 'until:', 'has:',
    '-level:', '-name:', '-host:', '-process:', '-thread:', '-has:'];

/** The record's own fields, which stand in conditions as extra fields do. */
export const OWN_FIELDS = ['name', 'levelno', 'levelname', 'message', 'hostname', 'process', 'processName', 'thread', 'threadName',
    'taskName', 'pathname', 'filename', 'module', 'lineno', 'funcName', 'exc_text', 'stack_info'];

const TAKEN = new Set([...OWN_FIELDS, 'level', 'host', 'logger']);

/**
 * The key of an extra field in a condition: another one where its name means something else there.
 * @param {string} key
 * @returns {string}
 */
export const extraKey = (key) => (TAKEN.has(key) ? `extra.${key}` : key);

/**
 * The terms of a search text: at spaces, but for those in quotes and between slashes.
 * @param {string} q
 * @returns {Term[]}
 */
export function terms(q) {
    const found = q.matchAll(/-?\/(?:[^/\\]|\\.)+\/i?(?=\s|$)|(?:[^\s"]|"(?:[^"\\]|\\.)*(?:"|$))+/g);
    return [...found].map((match) => ({ text: match[0], from: match.index, to: match.index + match[0].length }));
}

/**
 * A value as it stands in a term: in quotes where it must.
 * @param {any} value
 * @returns {string}
 */
export function quoted(value) {
    const text = String(value);
    return /^[\p{L}\p{N}_.+@-][\p{L}\p{N}_.:+@/-]*$/u.test(text) ? text : `"${text.replace(/["\\]/g, '\\$&')}"`;
}

// Control characters, of which a line of text keeps not all.
const CONTROL = /[\0-\x1f\x7f-\x9f]/;

/**
 * Whether a value can stand in a line of text as it is.
 * @param {any} value
 * @returns {boolean}
 */
export const isPlain = (value) => !CONTROL.test(String(value));

/**
 * The term for an extra field of this value: one that is not plain is a regular expression, in which every sign can be written.
 * @param {string} key
 * @param {any} value
 * @returns {string}
 */
export function fieldIs(key, value) {
    if (isPlain(value)) return `${key}=${quoted(value)}`;
    const known = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };
    const escaped = (sign) => known[sign] ?? (/["\\]/.test(sign) || CONTROL.test(sign) ? `\\x${sign.charCodeAt(0).toString(16).padStart(2, '0')}` : `\\${sign}`);
    return `${key}~"^${String(value).replace(/[\\^$.*+?()[\]{}|"\0-\x1f\x7f-\x9f]/g, escaped)}$"`;
}

/**
 * Whether an extra field of this name can be asked for.
 * @param {string} key dotted where it is nested
 * @returns {boolean}
 */
export const isKey = (key) => /^[A-Za-z_][\w.-]*$/.test(key);

/**
 * The text with one more term. Those of the same kind give way, and so does the opposite.
 * @param {string} q
 * @param {string} term
 * @returns {string}
 */
export function withTerm(q, term) {
    const only = /^(level|since|until|name|host|process|thread):/.exec(term)?.[0];
    const opposite = term.startsWith('-') ? term.slice(1) : `-${term}`;
    const kept = terms(q).map((each) => each.text)
        .filter((text) => text !== term && text !== opposite && !(only && text.startsWith(only)));
    return [...kept, term].join(' ');
}

/**
 * The text with only this value of a key, or with none when it was the value already; among others, they stay as they are.
 * @param {string} q
 * @param {string} key with its colon
 * @param {string} value
 * @param {'alone'|'among'} [how]
 * @returns {string}
 */
export function toggled(q, key, value, how = 'alone') {
    const all = terms(q).map(({ text }) => text);
    const isIt = (text) => text.startsWith(key) && valuesOf(text, key)[0] === value;
    const leaves = (text) => (how === 'alone' ? text.startsWith(key) : isIt(text));
    const leaving = all.filter(leaves);
    const term = key + quoted(value);
    const rest = all.filter((text) => !leaves(text) && text !== `-${term}`);
    return (leaving.length > 0 && leaving.every(isIt) ? rest : [...rest, term]).join(' ');
}

/**
 * The text without the terms that begin so.
 * @param {string} q
 * @param {...string} starts
 * @returns {string}
 */
export function without(q, ...starts) {
    const has = (text) => starts.some((start) => text.startsWith(start));
    const all = terms(q);
    return all.some((term) => has(term.text)) ? all.map((term) => term.text).filter((text) => !has(text)).join(' ') : q;
}

/**
 * The text without its terms of time.
 * @param {string} q
 * @returns {string} the same where it has none
 */
export const withoutTimes = (q) => without(q, 'since:', 'until:');

/**
 * The values of a key, out of their quotes: the loggers of all `name:`.
 * @param {string} q
 * @param {string} key with its colon
 * @returns {string[]}
 */
export function valuesOf(q, key) {
    return terms(q).map((term) => term.text).filter((text) => text.startsWith(key))
        .map((text) => text.slice(key.length).replace(/^"(.*?)"?$/s, '$1').replace(/\\(.)/gs, '$1'));
}

/**
 * The term that the caret stands in or behind.
 * @param {string} q
 * @param {number} caret
 * @returns {Term} an empty one between terms
 */
export function termAt(q, caret) {
    const found = terms(q).find((term) => term.from < caret && caret <= term.to);
    return found ?? { text: '', from: caret, to: caret };
}
