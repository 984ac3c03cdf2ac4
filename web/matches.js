// Marks what the search text found: its words, phrases and regular expressions, in the rows that are drawn and in the open record.

import { byId } from './dom.js';
import { KEYS, terms } from './terms.js';

const WORD = '[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]';
const CONDITION = /^[\p{Alphabetic}_][\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}.-]*(?:!=|[<>=~])/u;
// What is marked at most, in one text; how far a text is read, and for how long.
const MOST_MARKS = 500;
const LONGEST_TEXT = 200_000;
const MOST_STEPS = 2e7;
const MARKING_MS = 300;

/** @typedef {{expression: RegExp, reach: number, isAnchored: boolean}} Finder */

// Words as the server finds them: whole ones, in any case, with any white space between them.
function phraseFinder(text, isOpen) {
    const words = text.split(/\p{White_Space}+/u).filter(Boolean);
    if (words.length === 0) return null;
    const isWord = new RegExp(WORD, 'u');
    const escaped = words.map((word) => word.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('\\p{White_Space}+');
    const start = isWord.test([...words[0]][0]) ? `(?<!${WORD})` : '';
    const end = !isOpen && isWord.test([...words.at(-1)].at(-1)) ? `(?!${WORD})` : '';
    return { expression: new RegExp(start + escaped + end, 'giu'), reach: LONGEST_TEXT, isAnchored: false };
}

// The browser's engine tries what the server's need not: with nested repetitions forever, with others the longer the more of them there
// are. So the first are not marked, and a text is read only as far as the worst expression of so many repetitions gets.
function patternFinder(pattern, flag) {
    const [, inline, rest] = /^(\(\?i\))?(.*)$/s.exec(pattern);
    const bare = rest.replace(/\\.|\[\^?\]?(?:\\.|[^\]\\])*\]/gs, 'x').replace(/\(\?(?:[:=!]|P?<\w+>)?/g, '(').replace(/([*+?}])\?/g, '$1');
    if (/\)[*+{]/.test(bare.replace(/\([^()*+?{|]*\)/g, 'x'))) return null;
    const repetitions = bare.match(/[*+?{|]/g)?.length ?? 0;
    let steps = MOST_STEPS;
    for (let each = 2; each <= repetitions + 1; each += 1) steps *= each;
    const reach = Math.min(LONGEST_TEXT, Math.floor(steps ** (1 / (repetitions + 1))));
    // The server lets every sign be escaped.
    const source = rest.replace(/\[\^?\]?(?:\\.|[^\]\\])*\]|\\(["'#%&,:;<=>@_`~! -])/gs, (all, sign) => sign ?? all);
    try {
        return { expression: new RegExp(source, inline || flag ? 'giu' : 'gu'), reach, isAnchored: /[$^]/.test(bare) };
    } catch {
        return null;
    }
}

/**
 * What finds a term's matches; null for one that is left out, or that asks for something else than texts.
 * @param {string} term
 * @returns {Finder|null}
 */
function finderOf(term) {
    if (/^-[^->]/.test(term)) return null;
    const slashes = /^\/(.+)\/(i?)$/s.exec(term);
    if (slashes) return patternFinder(slashes[1], slashes[2]);
    const quotes = /^"(.*?)"?(\**)$/s.exec(term);
    if (quotes) return phraseFinder(quotes[1].replace(/\\(["\\])/g, '$1'), quotes[2] !== '');
    if (KEYS.some((key) => term.startsWith(key)) || CONDITION.test(term)) return null;
    return phraseFinder(term.replace(/\*+$/, '').replaceAll('\\"', '"'), term.endsWith('*'));
}

// The parts of a text that are read, and where they begin: all of it, or its lines.
function* pieces(text, { reach, isAnchored }) {
    if (text.length <= reach) yield [0, text];
    if (text.length <= reach || isAnchored) return;
    for (const line of text.slice(0, LONGEST_TEXT).matchAll(/[^\n]+/g)) yield [line.index, line[0].slice(0, reach)];
}

function* matchesOf(text, finder) {
    const began = performance.now();
    for (const [start, piece] of finder.reach > 0 ? pieces(text, finder) : []) {
        for (const match of piece.matchAll(finder.expression)) {
            if (match[0] !== '') yield [start + match.index, start + match.index + match[0].length];
        }
        // Where there may be many steps, and are, it is not worth the time.
        if (finder.reach === LONGEST_TEXT || performance.now() - began < MARKING_MS) continue;
        finder.reach = 0;
        return;
    }
}

const highlight = globalThis.Highlight && CSS.highlights ? new Highlight() : null;
if (highlight) CSS.highlights.set('match', highlight);

let finders = [];
// What is marked for a row or the record, and for which terms.
const marks = new WeakMap();

function markAnew(owner, subject, find) {
    const before = marks.get(owner);
    if (before && before.subject === subject && before.finders === finders) return;
    for (const range of before?.ranges ?? []) highlight.delete(range);
    const ranges = [];
    find((node, start, end) => ranges.push(new StaticRange({ startContainer: node, startOffset: start, endContainer: node, endOffset: end })));
    for (const range of ranges) highlight.add(range);
    marks.set(owner, { subject, finders, ranges });
}

// Whether there was a match.
function markText(node, finder, put) {
    let found = 0;
    for (const [start, end] of node ? matchesOf(node.data, finder) : []) {
        put(node, start, end);
        found += 1;
        if (found === MOST_MARKS) break;
    }
    return found > 0;
}

/**
 * Marks a row where it shows another record than before, or the terms are others. What is found only in what the row leaves out is marked
 * where it says so.
 * @param {{record: object|undefined, text: HTMLElement, more: HTMLElement, folded: {said: string, text: string}[]}} row
 */
export function markRow(row) {
    if (!highlight) return;
    markAnew(row, row.record, (put) => {
        for (const finder of row.record ? finders : []) {
            if (markText(row.text.firstChild, finder, put)) continue;
            let start = 0;
            for (const { said, text } of row.folded) {
                if (!matchesOf(text, finder).next().done) put(row.more.firstChild, start, start + said.length);
                start += said.length + 2;
            }
        }
    });
}

const pane = byId('detail-body');

function markDetail() {
    markAnew(pane, {}, (put) => {
        for (const { firstChild } of finders.length > 0 ? pane.querySelectorAll('.said, .trace, .extras .value') : []) {
            for (const finder of finders) markText(firstChild, finder, put);
        }
    });
}

if (highlight) new MutationObserver(markDetail).observe(pane, { childList: true, subtree: true });

let marked = '';

/**
 * From now on these terms are marked: in the record at once, in a row when it is shown again.
 * @param {string} q the search text
 */
export function markTerms(q) {
    if (!highlight || q === marked) return;
    marked = q;
    finders = terms(q).map(({ text }) => finderOf(text)).filter(Boolean);
    markDetail();
}
