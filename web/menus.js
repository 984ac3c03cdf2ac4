// The menus: time range, comparison, download.

import { address, ask } from './api.js';
import { CHOICES, startOf } from './compare.js';
import { byId, el, placeUnder } from './dom.js';
import { partTrouble } from './notices.js';
import { valuesOf, withoutTimes } from './terms.js';
import { shownTime, withOffset } from './time.js';
import { filterOf } from './view.js';

const RANGES = [['All time', ''], ['Last 15 minutes', '-15m'], ['Last hour', '-1h'], ['Last 24 hours', '-24h'], ['Last 7 days', '-7d'],
    ['Today', 'today']];
const FORMS = [['jsonl', 'JSON lines'], ['csv', 'CSV'], ['sqlite', 'SQLite database']];

/** Tells the other pages of this server in this browser that the session is `closed`, or `open`. */
export const session = new BroadcastChannel('session');

/**
 * Notes whether this browser has a session, and offers to end it: no script can see the cookie.
 * @param {boolean} isThere
 */
export function rememberSession(isThere) {
    byId('sign-out').hidden = !isThere;
    try {
        if (isThere) localStorage.setItem('session', '1');
        else localStorage.removeItem('session');
    } catch {
        // Without storage it is offered until the page is left.
    }
}

function hasSession() {
    try {
        return localStorage.getItem('session') !== null;
    } catch {
        return false;
    }
}

async function signOut() {
    await fetch('/api/session', { method: 'DELETE' });
    rememberSession(false);
    session.postMessage('closed');
    location.reload();
}

// Says what is wrong in a menu, and marks the fields that it is about.
function mark(menu, text, fields) {
    partTrouble(`${menu}-trouble`, text);
    byId(`${menu}-form`).querySelectorAll('input').forEach((input) => input.setAttribute('aria-invalid', String(Boolean(text) && fields.includes(input.id))));
    if (text) byId(fields[0]).focus();
}

/** What can be chosen besides the search text. */
export class Menus {
    /**
     * @param {object} hooks
     * @param {() => import('./view.js').View} hooks.view
     * @param {(change: object) => void} hooks.onChange
     * @param {(text: string) => void} hooks.say
     */
    constructor({ view, onChange, say }) {
        this.say = say;
        this.view = view;
        this.onChange = (popover, change) => {
            byId(popover).hidePopover();
            onChange(change);
        };
        byId('range-reset').addEventListener('click', () => this.chooseRange({ since: '', until: '' }));
        const button = (text, act) => el('button', { type: 'button', onclick: act }, text);
        byId('ranges').append(...RANGES.map(([title, since]) => button(title, () => this.chooseRange({ since, until: '' }))));
        byId('comparisons').append(button('No comparison', () => this.onChange('compare-menu', { compare: '' })),
            ...CHOICES.map(([compare, title]) => button(title, () => this.onChange('compare-menu', { compare }))));
        byId('range-form').addEventListener('submit', (event) => {
            event.preventDefault();
            this.applyRange();
        });
        byId('compare-form').addEventListener('submit', (event) => {
            event.preventDefault();
            const compare = startOf(byId('compare-from').value);
            mark('compare', compare ? '' : 'This is no time; use 2026-11-22 16:20.', ['compare-from']);
            if (compare) this.onChange('compare-menu', { compare });
        });
        placeUnder('range', 'range-menu', () => {
            const { q, since, until } = view();
            byId('since').value = shownTime(since || (valuesOf(q, 'since:')[0] ?? ''));
            byId('until').value = shownTime(until || (valuesOf(q, 'until:')[0] ?? ''));
            mark('range', '', ['since', 'until']);
        });
        const sends = hasSession() ? " -H 'Authorization: Bearer TOKEN'" : '';
        byId('no-records').querySelector('pre').textContent = `curl -d '{"level":"info","message":"hello"}'${sends} ${location.origin}/ingest`;
        byId('sign-out').hidden = !hasSession();
        byId('sign-out').addEventListener('click', () => signOut().catch(() => this.say('The server cannot be reached.')));
        placeUnder('compare', 'compare-menu', () => mark('compare', '', ['compare-from']));
        placeUnder('download', 'download-menu', () => this.links());
    }

    // A range that is chosen takes the place of one in the text, which would go on bounding it.
    chooseRange(range) {
        this.onChange('range-menu', { ...range, q: withoutTimes(this.view().q) });
    }

    // The server reads times, also in words; a range that it cannot read is not left.
    async applyRange() {
        const given = this.view();
        const range = {};
        for (const [name, edge] of [['since', 'first'], ['until', 'last']]) {
            const typed = byId(name).value;
            // A field that nobody touched keeps all digits of its time.
            range[name] = typed === shownTime(given[name]) ? given[name] : withOffset(typed, edge);
        }
        try {
            await ask('/api/records', { ...filterOf(range), limit: 1 });
        } catch (error) {
            const names = ['since', 'until'];
            mark('range', error.message, names.filter((name) => !names.includes(error.parameter) || error.parameter === name));
            return;
        }
        this.chooseRange(range);
    }

    links() {
        const { order } = this.view();
        byId('downloads').replaceChildren(...FORMS.map(([format, title]) => el('a', {
            href: address('/api/export', { ...filterOf(this.view()), order, format }), download: '',
            onclick: () => byId('download-menu').hidePopover(),
        }, title)));
    }

    /** Shows what is chosen. @param {import('./view.js').View} view */
    show({ q, since, until, compare, order }) {
        const preset = until ? undefined : RANGES.find(([, value]) => value === since)?.[0];
        const last = until ? null : /^-(\d+ ?\w+)$/.exec(since)?.[1];
        const given = preset ?? (last ? `Last ${last}` : null) ?? `${since ? shownTime(since) : '…'} – ${until ? shownTime(until) : 'now'}`;
        const isInText = withoutTimes(q) !== q;
        const range = !isInText ? given : since || until ? `${given}, as searched` : 'As searched';
        // There is room for whole seconds; all digits are a hover away.
        byId('range-text').textContent = range.replace(/(:\d\d)\.\d+/g, '$1');
        byId('range').title = range;
        byId('range-reset').hidden = !since && !until && !isInText;
        byId('compare').classList.toggle('on', Boolean(compare));
        byId('order').textContent = order === 'newest' ? 'Newest first' : 'Oldest first';
        byId('order').title = order === 'newest' ? 'Show the oldest first' : 'Show the newest first';
    }
}
