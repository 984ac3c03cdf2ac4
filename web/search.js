// The search bar: a combobox with completion, and a mark under what the server could not read.

import { choices, taken } from './complete.js';
import { byId, el } from './dom.js';
import { termAt } from './terms.js';

// Names are asked for in a pause of typing.
const PAUSE_MS = 200;

/** The bar, its list of choices, and its error. */
export class Search {
    /**
     * @param {object} hooks
     * @param {(q: string) => void} hooks.onSearch
     * @param {() => {names: Set<string>, hosts: Set<string>, fields: Set<string>}} hooks.known
     * @param {(term: string) => Promise<boolean>} hooks.find learns of more names for a term; whether there may be new ones
     */
    constructor(hooks) {
        Object.assign(this, hooks);
        this.input = byId('q');
        this.list = byId('choices');
        this.options = [];
        this.active = -1;
        const { input } = this;
        byId('search').addEventListener('submit', (event) => {
            event.preventDefault();
            this.close();
            this.onSearch(input.value.trim());
        });
        byId('clear').addEventListener('click', () => {
            input.value = '';
            this.onSearch('');
            input.focus();
        });
        input.addEventListener('input', () => {
            this.error(null);
            this.offer();
        });
        input.addEventListener('click', () => this.offer());
        input.addEventListener('blur', () => this.close());
        input.addEventListener('scroll', () => this.align());
        input.addEventListener('keydown', (event) => this.key(event));
    }

    /** @param {string} q as it stands in the URL */
    set(q) {
        byId('clear').hidden = q === '';
        if (this.input.value.trim() === q) return;
        this.input.value = q;
        this.error(null);
    }

    /**
     * Shows what is wrong with the text, and where.
     * @param {import('./api.js').Problem|null} problem
     */
    error(problem) {
        const message = byId('q-error');
        const mirror = byId('mirror');
        message.hidden = !problem;
        this.input.setAttribute('aria-invalid', String(Boolean(problem)));
        mirror.replaceChildren();
        if (!problem) return;
        const q = this.input.value;
        const [from, to] = problem.at ?? [0, 0];
        message.replaceChildren(problem.message);
        if (!problem.at) return;
        // An error at the end of the text has nothing to underline but the place behind it.
        const part = q.slice(from, to) || '\u00a0\u00a0';
        mirror.append(q.slice(0, from), el('span', { class: 'wrong' }, part), q.slice(to));
        message.append(' ', el('button', { type: 'button', onclick: () => this.point(from, to) }, 'Show where'));
        this.align();
    }

    point(from, to) {
        this.input.focus();
        this.input.setSelectionRange(from, Math.max(from, to));
    }

    align() {
        byId('mirror').scrollLeft = this.input.scrollLeft;
    }

    offer() {
        this.options = choices(this.input.value, this.input.selectionStart ?? 0, this.known());
        this.active = -1;
        this.list.replaceChildren(...this.options.map((choice, place) => el('li', {
            role: 'option', id: `choice-${place}`, 'aria-selected': 'false',
            onpointerdown: (event) => {
                // The input keeps the focus.
                event.preventDefault();
                this.take(place);
            },
        }, el('span', {}, choice.text), el('span', { class: 'dim' }, choice.hint))));
        this.show(this.options.length > 0);
        this.look();
    }

    // What is not known yet is offered when it has come, unless the text has changed or a choice is being made.
    look() {
        clearTimeout(this.timer);
        const { value, selectionStart } = this.input;
        this.timer = setTimeout(async () => {
            const isNew = await this.find(termAt(value, selectionStart ?? 0).text);
            if (isNew && value === this.input.value && this.active < 0 && document.activeElement === this.input) this.offer();
        }, PAUSE_MS);
    }

    /**
     * Begins a new term, to be typed on.
     * @param {string} text
     */
    begin(text) {
        const { input } = this;
        input.value = `${input.value.trim()} ${text}`.trim();
        input.focus();
        input.setSelectionRange(input.value.length, input.value.length);
        this.offer();
    }

    show(isOpen) {
        this.list.hidden = !isOpen;
        this.input.setAttribute('aria-expanded', String(isOpen));
        if (!isOpen) this.input.removeAttribute('aria-activedescendant');
    }

    close() {
        this.options = [];
        this.active = -1;
        this.show(false);
    }

    take(place) {
        const { q, caret } = taken(this.input.value, this.options[place]);
        this.input.value = q;
        this.input.setSelectionRange(caret, caret);
        this.error(null);
        this.offer();
    }

    move(step) {
        const count = this.options.length;
        this.active = (this.active + step + (this.active < 0 && step < 0 ? 1 : 0) + count) % count;
        [...this.list.children].forEach((option, place) => option.setAttribute('aria-selected', String(place === this.active)));
        this.input.setAttribute('aria-activedescendant', `choice-${this.active}`);
        this.list.children[this.active].scrollIntoView({ block: 'nearest' });
    }

    key(event) {
        const isOpen = !this.list.hidden;
        if (event.key === 'ArrowDown' && !isOpen) this.offer();
        else if (event.key === 'ArrowDown' && isOpen) this.move(1);
        else if (event.key === 'ArrowUp' && isOpen) this.move(-1);
        else if (event.key === 'Tab' && isOpen && !event.shiftKey) this.take(Math.max(0, this.active));
        else if (event.key === 'Enter' && isOpen && this.active >= 0) this.take(this.active);
        else if (event.key === 'Escape' && isOpen) this.close();
        else if (event.key === 'Escape') byId('list').focus();
        else return;
        event.preventDefault();
        event.stopPropagation();
    }
}
