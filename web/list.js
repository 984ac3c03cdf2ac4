// The virtual list: only the rows that are seen are in the document, however long the answer is.

import { el, oncePerFrame } from './dom.js';
import { headRow, Row } from './row.js';

// Browsers draw nothing at heights above some ten million pixels; below this one a pixel of the scroll bar is a pixel.
const TALLEST = 6_000_000;
const SPARE = 2;

/**
 * A grid of rows over `pages`. `top` is where the view begins, in pixels of the whole list; where that is too tall for the
 * browser, small moves of the scroll bar are taken as they are and large ones as a part of the whole.
 */
export class List {
    /**
     * @param {HTMLElement} scroller
     * @param {import('./pages.js').Pages} pages
     * @param {(record: object) => void} onOpen
     * @param {(record: object) => void} onMark called when `toEdge` has marked a record
     */
    constructor(scroller, pages, onOpen, onMark) {
        this.scroller = scroller;
        this.pages = pages;
        this.onOpen = onOpen;
        this.onMark = onMark;
        this.edge = null;
        this.rows = [];
        this.top = 0;
        this.seen = 0;
        this.selectedId = null;
        this.body = el('div', { class: 'rows', role: 'rowgroup' });
        this.layer = el('div', { class: 'layer', role: 'presentation' }, el('div', { role: 'rowgroup' }, headRow()), this.body);
        this.spacer = el('div', { class: 'spacer', role: 'presentation' }, this.layer);
        scroller.append(this.spacer);
        this.draw = oncePerFrame(() => this.render());
        scroller.addEventListener('scroll', () => this.scrolled(), { passive: true });
        scroller.addEventListener('scrollend', () => this.align());
        this.body.addEventListener('click', (event) => this.clicked(event));
        new ResizeObserver(() => this.measure()).observe(scroller);
        this.measure();
    }

    measure() {
        const style = getComputedStyle(this.scroller);
        this.rowHeight = parseFloat(style.getPropertyValue('--row')) || 24;
        this.headHeight = parseFloat(style.getPropertyValue('--head')) || 0;
        this.height = Math.max(this.rowHeight, this.scroller.clientHeight - this.headHeight);
        this.layer.style.height = `${this.scroller.clientHeight}px`;
        this.draw();
    }

    get maxTop() {
        return Math.max(0, this.pages.length * this.rowHeight - this.height);
    }

    /** How many rows a page down goes. */
    get pageRows() {
        return Math.max(1, Math.floor(this.height / this.rowHeight) - 1);
    }

    get maxScroll() {
        return Math.min(this.maxTop, TALLEST);
    }

    scrolled() {
        const move = this.scroller.scrollTop - this.seen;
        if (move === 0) return;
        this.edge = null;
        this.seen = this.scroller.scrollTop;
        const isJump = this.maxTop > TALLEST && Math.abs(move) > 2 * this.height;
        const top = isJump ? (this.seen / this.maxScroll) * this.maxTop : this.top + move;
        this.top = Math.max(0, Math.min(this.maxTop, top));
        // At an end of the bar, but not of the list: give the bar room again.
        if (this.seen <= 0 || this.seen >= this.maxScroll) this.align();
        this.draw();
    }

    // Puts the scroll bar where it belongs.
    align() {
        const { maxTop, maxScroll } = this;
        const should = maxTop > maxScroll ? Math.round((this.top / maxTop) * maxScroll) : this.top;
        // A list that has become shorter has been scrolled by the browser.
        if (Math.abs(should - this.scroller.scrollTop) >= 1) this.scroller.scrollTop = should;
        this.seen = this.scroller.scrollTop;
    }

    /**
     * Goes to a place of the list.
     * @param {number} top in pixels
     */
    scrollTo(top) {
        this.top = Math.max(0, Math.min(this.maxTop, top));
        this.stretch();
        this.align();
        this.draw();
    }

    /**
     * Keeps what is seen in its place when rows came or went above it.
     * @param {number} rows
     */
    shift(rows) {
        // Who is on the way to an end stays there.
        if (this.edge) this.scrollTo(this.edge === 'first' ? 0 : this.maxTop);
        else this.scrollTo(this.top + rows * this.rowHeight);
    }

    stretch() {
        this.spacer.style.height = `${Math.max(this.maxScroll + this.scroller.clientHeight, 1)}px`;
    }

    /** Draws what is seen now. `draw` does it with the next frame. */
    render() {
        const { pages } = this;
        this.stretch();
        this.top = Math.min(this.top, this.maxTop);
        const first = Math.floor(this.top / this.rowHeight);
        const count = Math.min(pages.length - first, Math.ceil(this.height / this.rowHeight) + SPARE);
        while (this.rows.length < count) {
            const row = new Row(this.rows.length);
            this.rows.push(row);
            this.body.append(row.node);
        }
        this.body.style.transform = `translateY(${-(this.top - first * this.rowHeight)}px)`;
        const selected = this.selectedRow;
        let active = null;
        for (const [slot, row] of this.rows.entries()) {
            row.node.hidden = slot >= count;
            if (slot >= count) continue;
            const record = pages.at(first + slot);
            const isSelected = first + slot === selected;
            row.show(first + slot, record, isSelected);
            if (isSelected) active = row.node.id;
        }
        if (active) this.scroller.setAttribute('aria-activedescendant', active);
        else this.scroller.removeAttribute('aria-activedescendant');
        const isKnown = pages.atEnd || pages.total !== null;
        this.scroller.setAttribute('aria-rowcount', String(isKnown ? pages.length + 1 : -1));
        if (count > 0) pages.want(first, first + count);
        if (this.edge) this.reach();
    }

    clicked(event) {
        const node = event.target.closest('.row');
        const row = this.rows.find((each) => each.node === node);
        if (!row?.record || String(getSelection()) !== '') return;
        this.select(row.record.id);
        this.onOpen(row.record);
    }

    /**
     * Marks a record; an empty id marks none.
     * @param {number|string|null} id
     */
    select(id) {
        this.selectedId = id ? String(id) : null;
        this.draw();
    }

    /** @returns {object|undefined} the marked record, when it is at hand */
    get selected() {
        return this.pages.at(this.selectedRow);
    }

    get selectedRow() {
        return this.selectedId === null ? -1 : this.pages.rowOf(this.selectedId);
    }

    /** @returns {object|undefined|null} the first record in view; undefined where the list stands at its beginning, null while it is awaited */
    get firstSeen() {
        return this.top < this.rowHeight ? undefined : this.pages.at(Math.ceil(this.top / this.rowHeight)) ?? null;
    }

    /**
     * Goes to where the record of a cursor is, or would be.
     * @param {string} cursor
     * @param {'first'|'amid'} where it is in the view
     */
    stand(cursor, where) {
        const above = where === 'first' ? 0 : Math.floor(this.pageRows / 2);
        this.scrollTo((this.pages.placeOf(cursor) - above) * this.rowHeight);
    }

    /**
     * Marks the record so many rows further, and scrolls so that it is seen.
     * @param {number} rows
     * @param {string} [cursor] of the record that is open: it need not be in the list
     * @returns {object|undefined}
     */
    step(rows, cursor) {
        const { selectedRow } = this;
        if (selectedRow < 0 && !cursor) return this.mark(Math.ceil(this.top / this.rowHeight));
        const now = selectedRow < 0 ? this.pages.placeOf(cursor) - (rows > 0 ? 1 : 0) : selectedRow;
        return this.mark(Math.max(0, Math.min(this.pages.length - 1, now + rows)));
    }

    /**
     * Goes to an end of the list, and marks the record there when it has come.
     * @param {'first'|'last'} edge
     */
    toEdge(edge) {
        this.scrollTo(edge === 'first' ? 0 : this.maxTop);
        this.edge = edge;
    }

    reach() {
        const { pages, edge } = this;
        const isThere = edge === 'first' ? pages.atTop && pages.base === 0 : pages.atEnd;
        if (!isThere || pages.records.length === 0) return;
        this.edge = null;
        this.onMark(this.mark(edge === 'first' ? 0 : pages.length - 1));
    }

    /**
     * Marks the record of this row, when it is at hand, and shows the row.
     * @param {number} row
     * @returns {object|undefined}
     */
    mark(row) {
        const top = row * this.rowHeight;
        if (top < this.top) this.scrollTo(top);
        else if (top + this.rowHeight > this.top + this.height) this.scrollTo(top + this.rowHeight - this.height);
        const record = this.pages.at(row);
        if (record) this.select(record.id);
        return record;
    }
}
