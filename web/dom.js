// Builds elements. Texts become text nodes, never HTML: nothing that was logged can become part of the page.

const SVG = 'http://www.w3.org/2000/svg';

function filled(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
        if (value === null || value === undefined || value === false) continue;
        if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
        else node.setAttribute(name, value === true ? '' : value);
    }
    node.append(...children);
    return node;
}

/**
 * An element with these attributes (`onclick` and the like are listeners; null and false are left out) and children.
 * @param {string} tag
 * @param {Object<string, any>} [attributes]
 * @param {...(Node|string)} children
 * @returns {HTMLElement}
 */
export const el = (tag, attributes = {}, ...children) => filled(document.createElement(tag), attributes, children);

/**
 * The same for a shape in a drawing.
 * @param {string} tag
 * @param {Object<string, any>} [attributes]
 * @param {...Node} children
 * @returns {SVGElement}
 */
export const shape = (tag, attributes = {}, ...children) => filled(document.createElementNS(SVG, tag), attributes, children);

/**
 * The element of the page with this id.
 * @param {string} id
 * @returns {HTMLElement}
 */
export const byId = (id) => document.getElementById(id);

// Control characters but tab and line ends, and what turns the direction of a text around.
const UNSEEN = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|\r(?!\n)/g;

/**
 * A text with what would not be seen, or would change how the rest is seen, as escapes.
 * @param {any} text
 * @returns {string}
 */
export const visible = (text) => String(text).replace(UNSEEN, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);

/**
 * Puts a popover under the button that opens it, inside of the window.
 * @param {string} buttonId
 * @param {string} popoverId
 * @param {() => void} [opening] what to do before it is shown
 */
export function placeUnder(buttonId, popoverId, opening) {
    const [button, popover] = [byId(buttonId), byId(popoverId)];
    popover.addEventListener('beforetoggle', (event) => {
        const opens = event.newState === 'open';
        button.setAttribute('aria-expanded', String(opens));
        if (!opens) return;
        opening?.();
        // Before it is drawn, so that nothing moves under a pointer.
        const place = button.getBoundingClientRect();
        const width = parseFloat(getComputedStyle(popover).width) || 260;
        popover.style.left = `${Math.max(8, Math.min(place.left, innerWidth - width - 8))}px`;
        popover.style.top = `${place.bottom + 4}px`;
    });
    popover.addEventListener('toggle', (event) => {
        if (event.newState === 'open') popover.querySelector('input, button, a')?.focus();
    });
}

/**
 * At most one call in a frame of the screen.
 * @param {() => void} work
 * @returns {() => void}
 */
export function oncePerFrame(work) {
    let waits = false;
    return () => {
        if (waits) return;
        waits = true;
        requestAnimationFrame(() => {
            waits = false;
            work();
        });
    };
}
