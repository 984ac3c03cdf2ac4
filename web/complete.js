// What could be meant by the term under the caret: keys, loggers, hosts, fields, levels, times.

import { LEVELS } from './levels.js';
import { extraKey, KEYS, OWN_FIELDS, quoted, termAt } from './terms.js';

const MOST_CHOICES = 12;
const TIMES = ['-15m', '-1h', '-24h', '-7d', 'today', 'yesterday'];
const HINTS = {
    'level:': 'at least this level', 'name:': 'this logger and all under it', 'host:': 'of this host', 'process:': 'by id or name',
    'thread:': 'by id or name', 'since:': 'not before', 'until:': 'not after', 'has:': 'the field is there', '-level:': 'below this level',
    '-name:': 'not this logger', '-host:': 'not of this host', '-process:': 'not of this process', '-thread:': 'not of this thread',
    '-has:': 'the field is not there',
};

/** @typedef {{text: string, hint: string, from: number, to: number, isWhole: boolean}} Choice */

// What begins so first, then what contains it.
function matching(values, typed) {
    const wanted = typed.toLowerCase();
    const all = [...values].filter((value) => value.toLowerCase().includes(wanted));
    const rank = (value) => (value.toLowerCase().startsWith(wanted) ? 0 : 1);
    return all.sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

// Also the parents of loggers: all of myapp is asked for more often than each of its loggers.
function withParents(names) {
    const all = new Set(names);
    for (const name of names) {
        for (let dot = name.indexOf('.'); dot > 0; dot = name.indexOf('.', dot + 1)) all.add(name.slice(0, dot));
    }
    return all;
}

function valuesFor(key, known) {
    switch (key.replace('-', '')) {
        case 'level:': return LEVELS;
        case 'name:': return withParents(known.names);
        case 'host:': return known.hosts;
        case 'has:': return [...known.fields].map(extraKey);
        case 'since:': case 'until:': return TIMES;
        default: return [];
    }
}

/**
 * What the term at the caret could become.
 * @param {string} q
 * @param {number} caret
 * @param {{names: Set<string>, hosts: Set<string>, fields: Set<string>}} known
 * @returns {Choice[]}
 */
export function choices(q, caret, known) {
    const { text, from, to } = termAt(q, caret);
    const typed = text.slice(0, caret - from);
    const choice = (value, hint, isWhole) => ({ text: value, hint, from, to, isWhole });
    const key = KEYS.find((each) => typed.startsWith(each));
    if (key) {
        const value = typed.slice(key.length).replace(/^"/, '').replace(/^(>=|<=|=)/, '');
        const sign = /^(>=|<=|=)/.exec(typed.slice(key.length))?.[0] ?? '';
        const isLevel = key.endsWith('level:');
        const isLevelOrTime = isLevel || TIMES.includes(value);
        const own = key.endsWith('has:') ? matching(OWN_FIELDS, value) : [];
        const values = isLevel && value === '' ? [...LEVELS] : [...matching(valuesFor(key, known), value), ...own];
        const made = values.slice(0, MOST_CHOICES).map((each) => choice(key + sign + (isLevelOrTime ? each : quoted(each)), '', true));
        return made.length === 1 && made[0].text === text ? [] : made;
    }
    if (typed === '' || /^-?["/]/.test(typed)) return [];
    const keys = KEYS.filter((each) => each.startsWith(typed)).map((each) => choice(each, HINTS[each], false));
    const sign = typed.startsWith('-') ? '-' : '';
    const begun = typed.slice(sign.length);
    if (begun === '') return keys;
    const fields = matching(known.fields, begun).slice(0, 5).map((each) => choice(`${sign}${extraKey(each)}=`, 'extra field', false));
    const own = OWN_FIELDS.filter((each) => each.toLowerCase().startsWith(begun.toLowerCase())).map((each) => choice(`${sign}${each}=`, 'field of a record', false));
    const loggers = matching(withParents(known.names), begun).slice(0, 5).map((each) => choice(`${sign}name:${quoted(each)}`, 'logger', true));
    const hosts = matching(known.hosts, begun).slice(0, 3).map((each) => choice(`${sign}host:${quoted(each)}`, 'host', true));
    return [...keys, ...loggers, ...hosts, ...fields, ...own].slice(0, MOST_CHOICES);
}

/**
 * The text with a choice taken, and where the caret is then.
 * @param {string} q
 * @param {Choice} choice
 * @returns {{q: string, caret: number}}
 */
export function taken(q, { text, from, to, isWhole }) {
    const rest = q.slice(to);
    const gap = isWhole && !rest.startsWith(' ') ? ' ' : '';
    const caret = from + text.length + (isWhole ? 1 : 0);
    return { q: q.slice(0, from) + text + gap + rest, caret };
}
