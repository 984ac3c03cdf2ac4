// Loggers as a tree: what is counted at each counts to its parents, also what the server did not name.

import { LEVELS } from './levels.js';
import { grouped } from './time.js';

// The search text has no words for it.
const NO_NAME = '(no name)';
// What is deeper stands on one level.
const DEEPEST = 1000;

/**
 * `more` loggers below it are counted with it and have to be asked for; `isRest`: it stands for the smaller loggers of a parent.
 * @typedef {{name: string, label: string, depth: number, counts: number[], children: Node[], more: number, isNamed: boolean, isRest?: boolean}} Node
 */

const blank = () => LEVELS.map(() => 0);

const addTo = (sums, counts) => counts.forEach((count, level) => {
    sums[level] += count;
});

// The names of all parents of a logger, and its own.
function* paths(name) {
    let dot = name.indexOf('.');
    for (let depth = 1; dot >= 0 && depth < DEEPEST; depth += 1, dot = name.indexOf('.', dot + 1)) yield name.slice(0, dot);
    yield name;
}

/** The loggers of an answer, those of its parts that were asked for later, and those that came since. */
export class Loggers {
    /** @param {object} [answer] of `/api/names` */
    constructor(answer = { names: [] }) {
        this.known = new Map();
        this.others = new Map();
        this.nodes = new Map();
        this.put(answer);
    }

    /**
     * Puts in what is below a logger, in its place.
     * @param {object} answer
     * @param {string} [under] the logger
     */
    put({ names, others = [] }, under) {
        this.known.delete(under);
        for (const entry of names) this.known.set(entry.name, entry);
        for (const entry of others) this.others.set(entry.under, entry);
    }

    /**
     * Counts a record that has come.
     * @param {string} name
     * @param {number} level its step
     */
    add(name, level) {
        let entry = this.known.get(name);
        let parent = null;
        for (const path of paths(name)) {
            if (entry) break;
            if (this.known.get(path)?.more) entry = this.known.get(path);
            else if (!this.nodes.has(path)) entry = this.others.get(parent);
            parent = path;
        }
        if (!entry) this.known.set(name, entry = { name, counts: blank() });
        entry.counts[level] += 1;
    }

    /**
     * The tree as it is now.
     * @returns {Node[]}
     */
    tree() {
        const root = { children: [], depth: 0 };
        this.nodes = new Map();
        const reach = (name, counts) => {
            let parent = root;
            for (const path of name === null ? [] : paths(name)) {
                let node = this.nodes.get(path);
                if (!node) {
                    const label = path.slice(parent === root ? 0 : parent.name.length + 1);
                    node = { name: path, label: label || NO_NAME, isNamed: label !== '', depth: parent.depth + 1, counts: blank(), children: [], more: 0 };
                    this.nodes.set(path, node);
                    parent.children.push(node);
                }
                addTo(node.counts, counts);
                parent = node;
            }
            return parent;
        };
        for (const { name, counts, more = 0 } of [...this.known.values()].sort((a, b) => (a.name < b.name ? -1 : 1))) reach(name, counts).more = more;
        for (const { under, loggers, counts } of this.others.values()) {
            const { children, depth } = reach(under, counts);
            const name = under === null ? '' : `${under}.`;
            children.push({ name, label: `${grouped(loggers)} more`, depth: depth + 1, counts, children: [], more: 0, isNamed: false, isRest: true });
        }
        return root.children;
    }
}
