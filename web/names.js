// The sidebar: loggers as a tree with counts and error badges, and hosts.

import { byId, el, visible } from './dom.js';
import { LEVELS, stepOf } from './levels.js';
import { quoted } from './terms.js';
import { grouped } from './time.js';

const MANY = 40;
const REST_MS = 1000;
// The search text has no words for it.
const NO_NAME = '(no name)';
const MOST_HOSTS = 100;

/** @typedef {{name: string, label: string, depth: number, counts: number[], children: Node[]}} Node */

// Beside a logger or a host.
const leaveOut = (what, act, tabindex) => el('button', {
    type: 'button', class: 'act leave', tabindex, title: `Filter out ${what}`, 'aria-label': `Filter out ${what}`, onclick: (event) => {
        event.stopPropagation();
        act();
    },
}, '−');

// A row and its button are reached by Tab together.
function reach(row, tabIndex) {
    row.tabIndex = tabIndex;
    const button = row.querySelector('.leave');
    if (button) button.tabIndex = tabIndex;
}

// With this key a click adds a logger or host to those that are chosen, or takes it out.
const HINT = `${/Mac|iP/.test(navigator.platform) ? '⌘' : 'Ctrl'}+click: as one of several`;
const howOf = (event) => (event.ctrlKey || event.metaKey ? 'among' : 'alone');

const blank = () => LEVELS.map(() => 0);

/**
 * Loggers as a tree: what is under a logger counts to it, too.
 * @param {{name: string, counts: number[]}[]} names
 * @returns {Node[]}
 */
export function treeOf(names) {
    const root = { children: [], depth: 0 };
    const nodes = new Map();
    for (const { name, counts } of names) {
        const parts = name.split('.');
        let parent = root;
        for (const [depth, label] of parts.entries()) {
            const path = parts.slice(0, depth + 1).join('.');
            let node = nodes.get(path);
            if (!node) {
                node = { name: path, label: label || NO_NAME, depth: depth + 1, counts: blank(), children: [] };
                nodes.set(path, node);
                parent.children.push(node);
            }
            counts.forEach((count, level) => {
                node.counts[level] += count;
            });
            parent = node;
        }
    }
    return root.children;
}

/** The sidebar, and what it knows of names for the completion. */
export class Names {
    /**
     * @param {object} hooks
     * @param {(name: string, how: 'alone'|'among') => void} hooks.onLogger chosen alone, or among others
     * @param {(host: string, how: 'alone'|'among') => void} hooks.onHost
     * @param {(term: string) => void} hooks.onTerm
     */
    constructor(hooks) {
        Object.assign(this, hooks);
        this.tree = byId('loggers');
        this.counts = new Map();
        this.hosts = new Map();
        this.known = { names: new Set(), hosts: new Set(), fields: new Set() };
        this.open = new Map();
        this.chosen = { names: [], hosts: [] };
        this.tree.addEventListener('keydown', (event) => this.key(event));
    }

    /**
     * @param {{names: {name: string, counts: number[]}[], hosts: {host: string, count: number}[], fields: string[], cut?: boolean|string[]}} answer `cut` may name the lists that are not whole
     * @param {{names: string[], hosts: string[]}} chosen what the filter asks for
     */
    set(answer, chosen) {
        this.counts = new Map(answer.names.map(({ name, counts }) => [name, counts]));
        this.hosts = new Map(answer.hosts.map(({ host, count }) => [host, count]));
        for (const { name } of answer.names) this.known.names.add(name);
        for (const { host } of answer.hosts) this.known.hosts.add(host);
        for (const field of answer.fields) this.known.fields.add(field);
        this.chosen = chosen;
        const { cut = false } = answer;
        byId('names-cut').hidden = Array.isArray(cut) ? !cut.includes('names') : !cut;
        this.draw();
    }

    /** Counts records that have just come. @param {object[]} records */
    add(records) {
        for (const { name, levelno, hostname } of records) {
            if (name !== undefined) {
                if (!this.counts.has(name)) this.counts.set(name, blank());
                this.counts.get(name)[stepOf(levelno)] += 1;
                this.known.names.add(name);
            }
            if (hostname !== undefined) {
                this.hosts.set(hostname, (this.hosts.get(hostname) ?? 0) + 1);
                this.known.hosts.add(hostname);
            }
        }
        // Counts may change with every record: the tree is drawn anew once a second.
        this.timer ??= setTimeout(() => {
            this.timer = null;
            this.draw();
        }, REST_MS);
    }

    isOpen(node) {
        const isChosen = this.chosen.names.some((name) => name.startsWith(`${node.name}.`));
        return this.open.get(node.name) ?? (isChosen || this.counts.size <= MANY);
    }

    draw() {
        const names = [...this.counts].map(([name, counts]) => ({ name, counts }));
        this.nodes = treeOf(names.sort((a, b) => (a.name < b.name ? -1 : 1)));
        const focused = document.activeElement;
        const hadFocus = this.tree.contains(focused);
        const rows = [];
        const walk = (nodes) => {
            for (const [place, node] of nodes.entries()) {
                rows.push(this.item(node, place + 1, nodes.length));
                if (node.children.length > 0 && this.isOpen(node)) walk(node.children);
            }
        };
        walk(this.nodes);
        this.tree.replaceChildren(...rows);
        const current = rows.find((row) => row.dataset.name === this.current) ?? rows[0];
        if (current) reach(current, 0);
        // A button that leaves out gives the focus to the row of another logger, not to its button.
        const isSame = hadFocus && focused.closest('.node')?.dataset.name === current?.dataset.name;
        if (hadFocus) (isSame && focused.matches('.leave') ? current.querySelector('.leave') : current)?.focus();
        // What is not known is not none.
        byId('loggers-none').hidden = rows.length > 0 || !byId('names-trouble').hidden;
        this.drawHosts();
    }

    item(node, place, size) {
        const [, , , error, critical] = node.counts;
        const bad = error + critical;
        const total = node.counts.reduce((sum, count) => sum + count, 0);
        const isParent = node.children.length > 0;
        const isChosen = this.chosen.names.includes(node.name);
        const isNamed = node.label !== NO_NAME;
        const row = el('div', {
            role: 'treeitem', class: 'node', tabindex: -1, 'data-name': node.name, 'aria-level': node.depth, 'aria-posinset': place,
            'aria-setsize': size, 'aria-expanded': isParent ? String(this.isOpen(node)) : null, 'aria-selected': String(isChosen),
            'aria-disabled': isNamed ? null : 'true',
            title: `${visible(node.name || NO_NAME)}: ${grouped(total)} records${isNamed ? `\n${HINT}` : ''}`, onclick: (event) => this.choose(node, event),
        },
        el('span', {
            class: isParent ? 'twist' : 'twist leaf', 'aria-hidden': 'true', onclick: (event) => {
                event.stopPropagation();
                this.toggle(node);
            },
        }), el('span', { class: 'label' }, visible(node.label)));
        if (bad > 0) row.append(el('span', { class: 'bad' }, short(bad), el('span', { class: 'unseen' }, ' errors')));
        row.append(el('span', { class: 'count' }, short(total), el('span', { class: 'unseen' }, ' records')));
        if (isNamed) row.append(leaveOut(`logger ${visible(node.name)}`, () => this.onTerm(`-name:${quoted(node.name)}`), -1));
        row.style.paddingLeft = `${(node.depth - 1) * 14 + 4}px`;
        row.node = node;
        return row;
    }

    drawHosts() {
        const hosts = [...this.hosts].sort(([, a], [, b]) => b - a).slice(0, MOST_HOSTS);
        byId('hosts-cut').hidden = this.hosts.size <= MOST_HOSTS;
        const focused = document.activeElement;
        const had = focused.closest('#hosts li');
        const rows = hosts.map(([host, count]) => el('li', { 'data-host': host }, el('button', {
            type: 'button', class: 'node', 'aria-pressed': String(this.chosen.hosts.includes(host)), title: `${visible(host)}: ${grouped(count)} records\n${HINT}`,
            onclick: (event) => this.onHost(host, howOf(event)),
        }, el('span', { class: 'label' }, visible(host)), el('span', { class: 'count' }, short(count))),
        leaveOut(`host ${visible(host)}`, () => this.onTerm(`-host:${quoted(host)}`))));
        byId('hosts').replaceChildren(...rows);
        if (!had) return;
        const same = rows.find((row) => row.dataset.host === had.dataset.host);
        const button = focused.matches('.leave') ? '.leave' : '.node';
        (same ? same.querySelector(button) : rows[0]?.querySelector('.node'))?.focus();
    }

    choose(node, event) {
        if (node.label === NO_NAME) return;
        this.current = node.name;
        this.onLogger(node.name, howOf(event));
    }

    toggle(node, isOpen = !this.isOpen(node)) {
        if (node.children.length === 0) return;
        this.current = node.name;
        this.open.set(node.name, isOpen);
        this.draw();
    }

    key(event) {
        const rows = [...this.tree.children];
        const at = rows.indexOf(document.activeElement);
        if (at < 0) return;
        const { node } = rows[at];
        const parent = rows.slice(0, at).findLast((row) => row.node.depth < node.depth);
        const go = (row) => {
            if (!row) return;
            reach(rows[at], -1);
            reach(row, 0);
            this.current = row.node.name;
            row.focus();
        };
        const isOpen = node.children.length > 0 && this.isOpen(node);
        const acts = {
            ArrowDown: () => go(rows[at + 1]),
            ArrowUp: () => go(rows[at - 1]),
            Home: () => go(rows[0]),
            End: () => go(rows.at(-1)),
            ArrowRight: () => (isOpen ? go(rows[at + 1]) : this.toggle(node, true)),
            ArrowLeft: () => (isOpen ? this.toggle(node, false) : go(parent)),
            Enter: () => this.choose(node, event),
            ' ': () => this.choose(node, event),
        };
        if (!acts[event.key]) return;
        event.preventDefault();
        event.stopPropagation();
        acts[event.key]();
    }
}

/**
 * Opens or closes the sidebar, where it covers the list.
 * @param {boolean} [isOpen]
 */
export function sidebar(isOpen = !document.body.classList.contains('with-names')) {
    document.body.classList.toggle('with-names', isOpen);
    byId('names-open').setAttribute('aria-expanded', String(isOpen));
}

// 12,345 as 12k: the sidebar is narrow.
function short(count) {
    if (count < 1e4) return grouped(count);
    return count < 1e6 ? `${Math.floor(count / 1e3)}k` : `${(count / 1e6).toFixed(1)}M`;
}
