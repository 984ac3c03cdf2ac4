// The sidebar: loggers as a tree with counts and error badges, and hosts; any of them is found by its beginning.

import { ask, isAbort } from './api.js';
import { byId, el, visible } from './dom.js';
import { aroundOf } from './first.js';
import { stepOf } from './levels.js';
import { partTrouble } from './notices.js';
import { quoted } from './terms.js';
import { grouped } from './time.js';
import { Loggers } from './tree.js';
import { filterOf } from './view.js';

const MANY = 40;
const REST_MS = 1000;
const MOST_RECENT = 10_000;
const MOST_HOSTS = 100;
const DEEPEST_INDENT = 10;

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

/** The sidebar, and what it knows of names for the completion. */
export class Names {
    /**
     * @param {object} hooks
     * @param {(name: string, how: 'alone'|'among') => void} hooks.onLogger chosen alone, or among others
     * @param {(host: string, how: 'alone'|'among') => void} hooks.onHost
     * @param {(term: string) => void} hooks.onTerm
     * @param {(text: string) => void} hooks.onType a term is to be typed that begins so
     * @param {() => import('./view.js').View} hooks.view
     */
    constructor(hooks) {
        Object.assign(this, hooks);
        this.tree = byId('loggers');
        this.loggers = new Loggers();
        this.hosts = new Map();
        this.known = { names: new Set(), hosts: new Set(), fields: new Set() };
        this.open = new Map();
        this.chosen = { names: [], hosts: [] };
        this.recent = [];
        this.canceller = new AbortController();
        this.tree.addEventListener('keydown', (event) => this.key(event));
        byId('hosts-more').addEventListener('click', () => this.onType('host:'));
        byId('names-open').addEventListener('click', () => sidebar());
        byId('names-close').addEventListener('click', () => sidebar(false));
    }

    /**
     * @param {object} answer of `/api/names`
     * @param {{names: string[], hosts: string[]}} chosen what the filter asks for
     * @param {number} total how many records match by now; 0: that is not known
     */
    set(answer, chosen, total) {
        this.canceller.abort();
        this.canceller = new AbortController();
        this.loggers = new Loggers(answer);
        this.hosts = new Map(answer.hosts.map(({ host, count }) => [host, count]));
        this.hostsFound = answer.hosts_found ?? 0;
        // Once names were left out, those of a filter are not all there are.
        this.isCut ||= Boolean(answer.cut) || this.hostsFound > this.hosts.size;
        this.loading = new Set();
        this.learn(answer);
        this.chosen = chosen;
        // What has come since the answer was made is not in it.
        const isSame = chosen.names.length === 0;
        const missing = isSame ? Math.max(0, Math.min(this.recent.length, total - (answer.total ?? total))) : 0;
        this.count(this.recent.slice(this.recent.length - missing));
        this.recent = [];
        this.draw();
    }

    /** A question is on its way: what comes from now on may be missing in its answer. */
    asked() {
        this.recent = [];
    }

    learn({ names, hosts, fields }) {
        for (const { name } of names) this.known.names.add(name);
        for (const { host } of hosts) this.known.hosts.add(host);
        for (const field of fields) this.known.fields.add(field);
    }

    /** Counts records that have just come. @param {object[]} records */
    add(records) {
        this.recent.push(...records);
        if (this.recent.length > MOST_RECENT) this.recent.splice(0, this.recent.length - MOST_RECENT);
        this.count(records);
        // Counts may change with every record: the tree is drawn anew once a second.
        this.timer ??= setTimeout(() => {
            this.timer = null;
            this.draw();
        }, REST_MS);
    }

    count(records) {
        for (const { name, levelno, hostname } of records) {
            if (name !== undefined) {
                this.loggers.add(name, stepOf(levelno));
                this.known.names.add(name);
            }
            if (hostname !== undefined) {
                this.hosts.set(hostname, (this.hosts.get(hostname) ?? 0) + 1);
                this.known.hosts.add(hostname);
            }
        }
    }

    /**
     * Asks for names that begin as a term does, where not all are known.
     * @param {string} term
     * @returns {Promise<boolean>} whether there may be new ones
     */
    async find(term) {
        const [, key, typed] = /^-?(?:(name|host):)?"?(.*?)"?$/s.exec(term);
        if (!this.isCut || typed === '' || typed === this.typed || (!key && /[:=<>~/!]/.test(typed))) return false;
        this.typed = typed;
        try {
            // What else is typed may not be finished.
            this.learn(await ask('/api/names', { ...filterOf({ ...this.view(), q: '' }), prefix: typed }));
            return true;
        } catch {
            return false;
        }
    }

    // What is below a logger that is open and was not named.
    async load({ name }) {
        if (this.loading.has(name)) return;
        this.loading.add(name);
        const { signal } = this.canceller;
        try {
            const answer = await ask('/api/names', { ...aroundOf(this.view()), under: name }, signal);
            this.loggers.put(answer, name);
            this.learn(answer);
        } catch (error) {
            if (isAbort(error)) return;
            partTrouble('names-trouble', `Not opened: ${error.message}`);
            this.open.set(name, false);
            this.loading.delete(name);
        }
        this.draw();
    }

    isOpen(node) {
        const isChosen = this.chosen.names.some((name) => name.startsWith(`${node.name}.`));
        return this.open.get(node.name) ?? (isChosen || (node.more === 0 && this.loggers.known.size <= MANY && node.depth <= MANY));
    }

    draw() {
        const focused = document.activeElement;
        const hadFocus = this.tree.contains(focused);
        const rows = [];
        const walk = (nodes) => {
            for (const [place, node] of nodes.entries()) {
                rows.push(this.item(node, place + 1, nodes.length));
                if (!isParent(node) || !this.isOpen(node)) continue;
                if (node.more > 0) this.load(node);
                walk(node.children);
            }
        };
        walk(this.loggers.tree());
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
        const isOpen = isParent(node) && this.isOpen(node);
        const isChosen = this.chosen.names.includes(node.name);
        const row = el('div', {
            role: 'treeitem', class: node.isRest ? 'node rest' : 'node', tabindex: -1, 'data-name': node.name, 'aria-level': node.depth, 'aria-posinset': place,
            'aria-setsize': size, 'aria-expanded': isParent(node) ? String(isOpen) : null, 'aria-selected': String(isChosen),
            'aria-disabled': node.isNamed || node.isRest ? null : 'true', 'aria-busy': isOpen && node.more > 0 ? 'true' : null,
            title: node.isRest ? `${node.label}, the smaller ones: type their names`
                : `${visible(node.name || node.label)}: ${grouped(total)} records${node.isNamed ? `\n${HINT}` : ''}`,
            onclick: (event) => this.choose(node, event),
        },
        el('span', {
            class: isParent(node) ? 'twist' : 'twist leaf', 'aria-hidden': 'true', onclick: (event) => {
                event.stopPropagation();
                this.toggle(node);
            },
        }), el('span', { class: 'label' }, visible(node.label)));
        if (bad > 0) row.append(el('span', { class: 'bad' }, short(bad), el('span', { class: 'unseen' }, ' errors')));
        row.append(el('span', { class: 'count' }, short(total), el('span', { class: 'unseen' }, ' records')));
        if (node.isNamed) row.append(leaveOut(`logger ${visible(node.name)}`, () => this.onTerm(`-name:${quoted(node.name)}`), -1));
        row.style.paddingLeft = `${Math.min(node.depth - 1, DEEPEST_INDENT) * 14 + 4}px`;
        row.node = node;
        return row;
    }

    drawHosts() {
        const hosts = [...this.hosts].sort(([, a], [, b]) => b - a).slice(0, MOST_HOSTS);
        const more = Math.max(this.hostsFound, this.hosts.size) - hosts.length;
        byId('hosts-more').hidden = more <= 0;
        byId('hosts-more').textContent = `${grouped(more)} more: type a name`;
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
        // A quote stays open until the name is whole.
        if (node.isRest) this.onType(`name:${node.name && quoted(node.name).replace(/"$/, '')}`);
        if (!node.isNamed) return;
        this.current = node.name;
        this.onLogger(node.name, howOf(event));
    }

    toggle(node, isOpen = !this.isOpen(node)) {
        if (!isParent(node)) return;
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
        const isOpen = isParent(node) && this.isOpen(node);
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

const isParent = ({ children, more }) => children.length > 0 || more > 0;

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
