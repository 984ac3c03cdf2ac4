// Asks for the token, once: the server then knows this browser by a cookie that no script can read.

import { byId } from './dom.js';
import { rememberSession, session } from './menus.js';

const dialog = byId('session');
const sessionTrouble = byId('session-trouble');
const input = byId('token');
let opening = null;
let opened = null;

async function send(token) {
    try {
        return await fetch('/api/session', { method: 'POST', headers: { Authorization: `Bearer ${token}` } });
    } catch {
        return null;
    }
}

function accepted() {
    input.value = '';
    sessionTrouble.hidden = true;
    input.removeAttribute('aria-invalid');
    rememberSession(true);
    opening = null;
    dialog.close();
    opened();
}

async function submit(event) {
    event.preventDefault();
    const token = input.value.trim();
    // What no header can hold is no token.
    const response = /^[\x21-\x7e]+$/.test(token) ? await send(token) : { ok: false, status: 401 };
    if (response?.ok) {
        session.postMessage('open');
        accepted();
        return;
    }
    sessionTrouble.textContent = response === null ? 'The server cannot be reached.'
        : response.status === 401 ? 'This is not one of the server’s tokens.' : `The server answered ${response.status}.`;
    sessionTrouble.hidden = false;
    input.setAttribute('aria-invalid', 'true');
    input.select();
}

// Nothing of what the token has shown stays in another tab.
session.addEventListener('message', ({ data }) => {
    if (data === 'closed') location.reload();
    else if (opening) accepted();
});
dialog.querySelector('form').addEventListener('submit', submit);
// Without a token there is nothing to see. A browser lets Escape be refused once, and closes the form the second time.
dialog.addEventListener('cancel', (event) => event.preventDefault());
dialog.addEventListener('close', () => opening && dialog.showModal());

/**
 * Ends when the server has accepted a token. All who wait share one form.
 * @returns {Promise<void>}
 */
export function openSession() {
    opening ??= new Promise((resolve) => {
        opened = resolve;
        dialog.showModal();
    });
    return opening;
}
