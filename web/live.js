// Live: lets what comes into the list, or, while paused, counts what waits.

import { connection } from './api.js';
import { byId } from './dom.js';
import { Hold } from './hold.js';
import { Tail } from './tail.js';
import { valuesOf } from './terms.js';
import { grouped, parse, withOffset } from './time.js';

const MOST_WAITING = 2000;

// Whether the time range ends before now. What is said in words, as yesterday, is over; now itself is not.
function hasEnded({ q = '', until = valuesOf(q, 'until:').at(-1) }) {
    if (!until || until === 'now') return false;
    return !(parse(withOffset(until, 'last')) > Date.now());
}

/** The switch for live, its pause, and the button that jumps to the newest. */
export class Live {
    /**
     * @param {object} hooks
     * @param {(records: object[]) => void} hooks.take records for list, histogram and tree
     * @param {() => void} hooks.refresh asks for the newest anew
     * @param {() => Promise<void>} hooks.anew asks for everything anew: it is another file
     * @param {() => 'newest'|'oldest'} hooks.order
     * @param {(text: string) => void} hooks.say
     * @param {(error: Error) => void} hooks.onError
     * @param {() => boolean} hooks.isAtNewest whether the list shows its newest end
     * @param {() => void} hooks.toNewest
     */
    constructor(hooks) {
        Object.assign(this, hooks);
        this.tail = null;
        this.isPaused = false;
        this.clear();
        this.hold = new Hold(byId('list'), () => {
            this.letIn();
            this.show();
        });
        byId('pause').addEventListener('click', () => this.pause(!this.isPaused));
        byId('jump').addEventListener('click', () => this.jump());
        for (const event of ['lost', 'back']) connection.addEventListener(event, () => this.show());
        // A browser has few connections for all pages of one server: who does not look needs none.
        document.addEventListener('visibilitychange', () => this.looked());
    }

    clear() {
        this.waiting = [];
        this.count = 0;
    }

    /**
     * Follows this filter from now on, or nothing.
     * @param {Object<string, string>|null} filter
     * @param {Promise<any>} loaded ends when its records are there; before, nothing is followed
     */
    follow(filter, loaded) {
        this.tail?.stop();
        this.tail = null;
        this.filter = filter;
        this.loaded = loaded;
        this.isPaused = false;
        this.hasFailed = false;
        this.clear();
        if (filter) this.open(null);
        this.show();
    }

    async open(lastId) {
        const { filter } = this;
        try {
            await this.loaded;
        } catch {
            // Why is said already.
            if (filter === this.filter) this.fail();
            return;
        }
        if (filter !== this.filter || this.tail || document.hidden) return;
        this.tail = new Tail(this.filter, {
            onRecords: (records) => this.came(records),
            onOpen: () => this.refresh(),
            onAnew: async () => {
                this.clear();
                await this.anew();
                this.letIn();
                this.show();
            },
            onBehind: () => this.say('More came than this page could take; it reads on where it was left.'),
            onError: (error) => {
                this.fail();
                this.onError(error);
            },
        }, lastId);
    }

    fail() {
        this.hasFailed = true;
        this.show();
    }

    looked() {
        if (!this.filter || this.hasFailed) return;
        if (document.hidden) {
            this.resumeAt = this.tail?.lastId ?? null;
            this.tail?.stop();
            this.tail = null;
        } else if (!this.tail) {
            this.open(this.isPaused ? this.resumeAt : null);
        }
    }

    came(records) {
        if (this.isPaused || this.hold.isHeld || !this.isAtNewest()) {
            this.count += records.length;
            if (this.waiting.length < MOST_WAITING) this.waiting.push(...records);
            this.show();
        } else {
            this.take(records);
        }
    }

    /** Whether all that comes is shown at once. */
    get isFlowing() {
        return Boolean(this.tail) && !this.isPaused && !this.hold.isHeld && this.count === 0 && this.isAtNewest();
    }

    /** @param {boolean} isPaused */
    pause(isPaused) {
        this.isPaused = isPaused;
        if (!isPaused) this.release();
        this.show();
    }

    // What waited, when all of it is here; else the newest page is asked for.
    release() {
        const isWhole = this.count === this.waiting.length;
        const waiting = this.waiting;
        this.clear();
        if (!isWhole) this.refresh();
        else if (waiting.length > 0) this.take(waiting);
        this.show();
    }

    /** Shows the newest, with all that waited, and goes on. */
    jump() {
        this.isPaused = false;
        this.release();
        this.toNewest();
        this.show();
    }

    /** Called when the list has been scrolled, or is left alone: at its newest end what waited comes in. */
    letIn() {
        if (this.filter && this.count > 0 && !this.isPaused && !this.hold.isHeld && this.isAtNewest()) this.release();
    }

    show() {
        const isOn = Boolean(this.filter);
        byId('live').setAttribute('aria-pressed', String(isOn));
        byId('live-bar').hidden = !isOn;
        byId('pause').textContent = this.isPaused ? 'Resume' : 'Pause';
        const jump = byId('jump');
        const isAtNewest = this.isAtNewest();
        jump.hidden = this.count === 0 || (isAtNewest && !this.isPaused);
        jump.textContent = `${grouped(this.count)} new · jump to newest`;
        let state = this.order() === 'newest' ? 'Live: new records appear as they come' : 'Live: new records appear at the end';
        if (!isOn) state = '';
        else if (connection.isLost) state = 'Not live: the server cannot be reached';
        else if (this.hasFailed) state = 'Not live: there was no answer';
        else if (this.isPaused) state = `Paused, ${grouped(this.count)} waiting`;
        else if (hasEnded(this.filter)) state = 'Live, but the time range has an end: nothing that is logged now is in it';
        else if (this.count > 0 && isAtNewest) state = `Live, ${grouped(this.count)} waiting until the pointer rests`;
        else if (this.count > 0) state = 'Live, but you look at older records';
        byId('live-state').textContent = state;
        byId('live-bar').classList.toggle('paused', this.isPaused || this.hasFailed || connection.isLost);
    }
}
