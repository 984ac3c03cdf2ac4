// Whether somebody is about to choose with a pointer: what is under it must not move then.

const STILL_MS = 2000;
// A finger's click comes after the finger has gone.
const TAP_MS = 500;

/** Is held while a mouse moves or presses in an element, and a little longer; while a finger touches it. */
export class Hold {
    /**
     * @param {HTMLElement} node
     * @param {() => void} onEnd
     */
    constructor(node, onEnd) {
        this.onEnd = onEnd;
        this.isPressed = false;
        this.until = 0;
        this.timer = null;
        const listen = (target, events, act) => events.forEach((event) => target.addEventListener(event, act, { passive: true }));
        const byMouse = (act) => (event) => event.pointerType !== 'touch' && act(event);
        listen(node, ['pointermove', 'pointerdown'], byMouse(({ buttons }) => this.hold(buttons !== 0, STILL_MS)));
        listen(window, ['pointerup', 'pointercancel'], byMouse(() => this.isPressed && this.hold(false, STILL_MS)));
        listen(node, ['pointerleave'], byMouse(() => !this.isPressed && this.hold(false, 0)));
        listen(node, ['touchstart'], () => this.hold(true, 0));
        listen(node, ['touchend', 'touchcancel'], ({ touches }) => touches.length === 0 && this.hold(false, TAP_MS));
    }

    get isHeld() {
        return this.isPressed || performance.now() < this.until;
    }

    hold(isPressed, restMs) {
        this.isPressed = isPressed;
        this.until = performance.now() + restMs;
        if (restMs === 0) this.look();
        else this.timer ??= setTimeout(() => this.look(), restMs);
    }

    look() {
        clearTimeout(this.timer);
        this.timer = null;
        if (this.isPressed) return;
        const left = this.until - performance.now();
        if (left > 0) this.timer = setTimeout(() => this.look(), left);
        else this.onEnd();
    }
}
