// Choosing a part of the histogram: with the pointer, or with the keys and two handles.

import { edge, placeOf } from './chart.js';
import { byId, el } from './dom.js';

/** Chooses a part of a drawing. What is chosen are times: bars come and go, and change their widths, while somebody chooses. */
export class Brush {
    /**
     * @param {HTMLElement} plot what is dragged over
     * @param {object} hooks
     * @param {() => import('./chart.js').Histogram} hooks.drawn
     * @param {(from: number, to: number) => void} hooks.onZoom where the part begins, and where what is behind it does, in ms
     * @param {(bucket: number|null) => void} hooks.onHover
     */
    constructor(plot, hooks) {
        Object.assign(this, hooks);
        this.plot = plot;
        this.band = el('div', { class: 'band', hidden: true });
        this.handles = ['Start', 'End'].map((name, side) => el('div', {
            role: 'slider', tabindex: 0, class: 'handle', 'aria-label': `${name} of the part to zoom into`,
            'aria-describedby': 'brush-help', 'aria-valuemin': 0, onkeydown: (event) => this.key(event, side),
            onfocus: () => this.show(), onblur: () => this.show(),
        }));
        plot.append(this.band, ...this.handles);
        plot.addEventListener('pointerdown', (event) => this.press(event));
        plot.addEventListener('pointermove', (event) => this.move(event));
        plot.addEventListener('pointerup', (event) => this.release(event));
        plot.addEventListener('pointercancel', () => this.reset());
        plot.addEventListener('pointerleave', () => this.point(null));
        byId('zoom').addEventListener('click', () => this.zoom());
        this.reset();
    }

    /** Nothing is chosen any more, and nothing pointed at, as after the answer to another question. */
    reset() {
        // Null is the end of the drawing, wherever that is.
        this.from = null;
        this.to = null;
        this.anchor = null;
        this.point(null);
        this.show();
    }

    /** The bars have changed under what is chosen. */
    redraw() {
        this.point(this.pointed);
        this.show();
    }

    get count() {
        return this.drawn().buckets.length;
    }

    // What is chosen, in bars with parts of them.
    get places() {
        const place = (ms, whole) => (ms === null || this.count === 0 ? whole : placeOf(this.drawn(), ms));
        return [place(this.from, 0), place(this.to, this.count)];
    }

    get isWhole() {
        const [from, to] = this.places;
        return from <= 0 && to >= this.count;
    }

    bucketAt(x) {
        const { left, width } = this.plot.getBoundingClientRect();
        const bucket = Math.floor(((x - left) / width) * this.count);
        return Math.max(0, Math.min(this.count - 1, bucket));
    }

    /** @param {number|null} x where in the window the pointer is; null: not here */
    point(x) {
        this.pointed = x;
        this.onHover(x === null || this.count === 0 ? null : this.bucketAt(x));
    }

    // The times of the bar under the pointer, as it is drawn now.
    timesAt(x) {
        const bucket = this.bucketAt(x);
        return [edge(this.drawn(), bucket), edge(this.drawn(), bucket + 1)];
    }

    press(event) {
        if (event.button !== 0 || this.count === 0 || event.target.role === 'slider') return;
        this.plot.setPointerCapture(event.pointerId);
        this.anchor = this.timesAt(event.clientX);
        [this.from, this.to] = this.anchor;
        this.pointed = event.clientX;
        this.show();
    }

    move({ clientX }) {
        // A pointer that rests has not chosen what has come under it since.
        const rests = clientX === this.pointed;
        this.point(clientX);
        if (this.anchor === null || rests || this.count === 0) return;
        const [from, to] = this.timesAt(clientX);
        [this.from, this.to] = [Math.min(this.anchor[0], from), Math.max(this.anchor[1], to)];
        this.show();
    }

    release(event) {
        if (this.anchor === null) return;
        this.move(event);
        this.anchor = null;
        this.zoom();
    }

    key(event, side) {
        const last = this.count - 1;
        const step = event.shiftKey ? 10 : 1;
        const moves = { ArrowLeft: -step, ArrowDown: -step, ArrowRight: step, ArrowUp: step, Home: -last, End: last };
        if (event.key in moves && last >= 0) {
            const [from, to] = [Math.floor(this.places[0]), Math.ceil(this.places[1])];
            const clamp = (value, least, most) => Math.max(least, Math.min(most, value));
            const at = (place, whole) => (place === whole ? null : edge(this.drawn(), place));
            if (side === 0) this.from = at(clamp(from + moves[event.key], 0, to - 1), 0);
            else this.to = at(clamp(to + moves[event.key], from + 1, last + 1), last + 1);
            this.show();
        } else if (event.key === 'Enter') {
            this.zoom();
        } else if (event.key === 'Escape' && !this.isWhole) {
            this.reset();
        } else {
            return;
        }
        event.preventDefault();
        event.stopPropagation();
    }

    zoom() {
        if (this.isWhole) this.reset();
        else this.onZoom(this.from ?? edge(this.drawn(), 0), this.to ?? edge(this.drawn(), this.count));
    }

    show() {
        const count = Math.max(1, this.count);
        const [from, to] = this.places;
        const isFocused = this.handles.includes(document.activeElement);
        this.band.hidden = this.count === 0 || (this.anchor === null && this.isWhole && !isFocused);
        this.band.style.left = `${(from / count) * 100}%`;
        this.band.style.width = `${((to - from) / count) * 100}%`;
        for (const [side, handle] of this.handles.entries()) {
            const at = side === 0 ? from : to;
            handle.style.left = `${(at / count) * 100}%`;
            handle.setAttribute('aria-valuemax', String(count - 1));
            handle.setAttribute('aria-valuenow', String(side === 0 ? Math.floor(at) : Math.max(0, Math.ceil(at) - 1)));
            const ms = this.count > 0 && ([this.from, this.to][side] ?? edge(this.drawn(), at));
            handle.setAttribute('aria-valuetext', this.count > 0 ? new Date(ms).toLocaleString() : 'nothing to choose');
        }
        byId('zoom').hidden = this.anchor !== null || this.isWhole;
    }
}
