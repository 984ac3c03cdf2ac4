// Choosing a part of the histogram: with the pointer, or with the keys and two handles.

import { byId, el } from './dom.js';

/** Chooses buckets of a drawing. */
export class Brush {
    /**
     * @param {HTMLElement} plot what is dragged over
     * @param {object} hooks
     * @param {() => number} hooks.buckets how many there are
     * @param {(bucket: number) => string} hooks.label when a bucket begins
     * @param {(from: number, to: number) => void} hooks.onZoom first and last bucket
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
        plot.addEventListener('pointerleave', () => this.onHover(null));
        byId('zoom').addEventListener('click', () => this.zoom());
        this.reset();
    }

    /** Nothing is chosen any more, as after a new drawing. */
    reset() {
        this.from = 0;
        this.to = Math.max(0, this.buckets() - 1);
        this.anchor = null;
        this.show();
    }

    get isWhole() {
        return this.from === 0 && this.to >= this.buckets() - 1;
    }

    bucketAt(event) {
        const { left, width } = this.plot.getBoundingClientRect();
        const bucket = Math.floor(((event.clientX - left) / width) * this.buckets());
        return Math.max(0, Math.min(this.buckets() - 1, bucket));
    }

    press(event) {
        if (event.button !== 0 || this.buckets() === 0 || event.target.role === 'slider') return;
        this.plot.setPointerCapture(event.pointerId);
        this.anchor = this.bucketAt(event);
        [this.from, this.to] = [this.anchor, this.anchor];
        this.show();
    }

    move(event) {
        if (this.buckets() === 0) return;
        const bucket = this.bucketAt(event);
        this.onHover(bucket);
        if (this.anchor === null) return;
        [this.from, this.to] = [Math.min(this.anchor, bucket), Math.max(this.anchor, bucket)];
        this.show();
    }

    release(event) {
        if (this.anchor === null) return;
        this.move(event);
        this.anchor = null;
        this.zoom();
    }

    key(event, side) {
        const last = this.buckets() - 1;
        const step = event.shiftKey ? 10 : 1;
        const moves = { ArrowLeft: -step, ArrowDown: -step, ArrowRight: step, ArrowUp: step, Home: -last, End: last };
        if (event.key in moves) {
            const clamp = (value, least, most) => Math.max(least, Math.min(most, value));
            if (side === 0) this.from = clamp(this.from + moves[event.key], 0, this.to);
            else this.to = clamp(this.to + moves[event.key], this.from, last);
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
        if (this.buckets() > 0 && (!this.isWhole || this.buckets() === 1)) this.onZoom(this.from, this.to);
    }

    show() {
        const count = Math.max(1, this.buckets());
        const isFocused = this.handles.includes(document.activeElement);
        this.band.hidden = this.buckets() === 0 || (this.anchor === null && this.isWhole && !isFocused);
        this.band.style.left = `${(this.from / count) * 100}%`;
        this.band.style.width = `${((this.to - this.from + 1) / count) * 100}%`;
        for (const [side, handle] of this.handles.entries()) {
            const at = side === 0 ? this.from : this.to;
            handle.style.left = `${((at + side) / count) * 100}%`;
            handle.setAttribute('aria-valuemax', String(count - 1));
            handle.setAttribute('aria-valuenow', String(at));
            handle.setAttribute('aria-valuetext', this.buckets() > 0 ? this.label(at + side) : 'nothing to choose');
        }
        byId('zoom').hidden = this.anchor !== null || this.isWhole;
    }
}
