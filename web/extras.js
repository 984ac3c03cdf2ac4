// Extra fields as a tree: what is nested can be folded.

import { el, visible } from './dom.js';

const MOST_FIELDS = 200;
const DEEP = 3;

const isNested = (value) => value !== null && typeof value === 'object';

/**
 * A value as text; texts as they are.
 * @param {any} value
 * @returns {string}
 */
export const shown = (value) => (isNested(value) ? JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? String(each) : each))
    : String(value));

/**
 * Whether a dotted key leads to one value only: `a.b` may be a field of its own beside a field `a` with a `b`.
 * @param {string} key
 * @param {object} values
 * @returns {boolean}
 */
export const isAlone = (key, values) => ways(key, values) === 1;

function ways(key, values) {
    if (!isNested(values) || Array.isArray(values)) return 0;
    let found = Object.hasOwn(values, key) ? 1 : 0;
    for (let dot = key.indexOf('.'); dot >= 0; dot = key.indexOf('.', dot + 1)) {
        const start = key.slice(0, dot);
        if (Object.hasOwn(values, start)) found += ways(key.slice(dot + 1), values[start]);
    }
    return found;
}

/**
 * Rows for the members of an object or a list, nested ones below their name.
 * @param {object} values
 * @param {(key: string, value: any) => Node[]} actions what can be done with a value, by its dotted key
 * @param {string|null} [path] the dotted key so far, null inside of lists, where none can be asked for
 * @param {number} [level] how deep they are
 * @returns {HTMLElement}
 */
export function extrasTable(values, actions, path = '', level = 1) {
    const entries = Object.entries(values);
    const list = el('dl', { class: 'fields extras' });
    const row = ([name, value]) => {
        const key = path === null || Array.isArray(values) ? null : path + name;
        return isNested(value) && Object.keys(value).length > 0
            ? nested(name, value, (path) => extrasTable(value, actions, path, level + 1), key, level)
            : pair(name, value, key === null ? [] : actions(key, value));
    };
    list.append(...entries.slice(0, MOST_FIELDS).map(row));
    if (entries.length > MOST_FIELDS) {
        const all = el('button', { type: 'button', onclick: () => all.replaceWith(...entries.slice(MOST_FIELDS).map(row)) }, `Show all ${entries.length}`);
        list.append(all);
    }
    return list;
}

function nested(name, value, table, key, level) {
    const size = Object.keys(value).length;
    const what = Array.isArray(value) ? `list of ${size}` : `${size} field${size === 1 ? '' : 's'}`;
    const inside = () => table(key === null ? null : `${key}.`);
    const isOpen = size <= 50 && level < DEEP;
    // What is folded is made when it is opened.
    const details = el('details', {
        open: isOpen, ontoggle: () => details.open && details.children.length === 1 && details.append(inside()),
    }, el('summary', { class: 'dim' }, what), ...(isOpen ? [inside()] : []));
    return el('div', { class: 'nested' }, el('dt', {}, visible(name)), el('dd', {}, details));
}

/**
 * A name, its value, and what can be done with it.
 * @param {string} name
 * @param {any} value
 * @param {Node[]} actions
 * @returns {HTMLElement}
 */
export function pair(name, value, actions) {
    const kind = typeof value === 'string' ? 'text' : 'other';
    return el('div', { class: 'field' }, el('dt', {}, visible(name)),
        el('dd', {}, el('span', { class: `value ${kind}` }, visible(shown(value))), el('span', { class: 'actions' }, ...actions)));
}
