// Light or dark: as the system has it, until a choice is made here.

import { byId } from './dom.js';

const NEXT = { system: 'light', light: 'dark', dark: 'system' };
const SIGN = { system: '◐', light: '☀', dark: '☾' };

const stored = () => {
    try {
        return localStorage.getItem('theme') ?? 'system';
    } catch {
        return 'system';
    }
};

function wear(theme) {
    if (theme === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    const button = byId('theme');
    button.textContent = SIGN[theme] ?? SIGN.system;
    button.setAttribute('aria-label', `Colors: ${theme}. Change to ${NEXT[theme]}`);
    button.title = `Colors: ${theme}`;
}

/** Wears what was chosen last, and lets the button change it. */
export function startTheme() {
    let theme = stored() in NEXT ? stored() : 'system';
    wear(theme);
    byId('theme').addEventListener('click', () => {
        theme = NEXT[theme];
        wear(theme);
        try {
            localStorage.setItem('theme', theme);
        } catch {
            // Without storage the choice lasts as long as the page.
        }
    });
}
