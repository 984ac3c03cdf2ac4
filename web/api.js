// Asks the server: problem documents become errors, a lost connection is waited for, a token asked for once.

/** How many records are asked for at a time. */
export const PAGE = 200;

/** What went wrong, as the server's problem document says it. */
export class Problem extends Error {
    /** @param {{status: number, detail?: string, title?: string, parameter?: string, at?: [number, number]}} document */
    constructor(document) {
        super(document.detail || document.title || `The server answered ${document.status}.`);
        this.status = document.status;
        this.parameter = document.parameter;
        this.at = document.at;
    }
}

/** Tells `lost`, `back` and `busy`. `isLost` and `wasBusy` are for who comes too late to hear it. */
export const connection = Object.assign(new EventTarget(), { isLost: false, wasBusy: false });

const tell = (what) => connection.dispatchEvent(new Event(what));

/**
 * @param {number} ms
 * @param {AbortSignal} [signal] ends it early, as an error
 * @returns {Promise<void>}
 */
export const wait = (ms, signal) => new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => {
        clearTimeout(timer);
        reject(signal.reason);
    }, { once: true });
});

let awaited = null;

async function answers() {
    try {
        await fetch('/api/meta', { cache: 'no-store' });
        return true;
    } catch {
        return false;
    }
}

/**
 * Ends when the server can be reached. Everybody waits for the same attempt.
 * @returns {Promise<boolean>} whether it could not be reached for a while
 */
export function reachable() {
    awaited ??= (async () => {
        const wasLost = !(await answers());
        if (wasLost) {
            connection.isLost = true;
            tell('lost');
            do await wait(1000); while (!(await answers()));
            connection.isLost = false;
            tell('back');
        }
        awaited = null;
        return wasLost;
    })();
    return awaited;
}

// Whose days and hours are meant: this browser's, or the server's where the server does not know that zone.
let zone = Intl.DateTimeFormat().resolvedOptions().timeZone || 'local';
const HAS_ZONE = /^\/api\/(records|count|histogram|names|stream|export)$/;

/**
 * The address of a question, with the zone where the server reads one.
 * @param {string} path
 * @param {Object<string, any>} [parameters]
 * @returns {string}
 */
export function address(path, parameters = {}) {
    const search = new URLSearchParams(HAS_ZONE.test(path) ? { ...parameters, zone } : parameters).toString();
    return search ? `${path}?${search}` : path;
}

let signIn;

/** @param {() => Promise<void>} way what asks for a token where the server wants one, and ends when it has accepted it */
export function signInBy(way) {
    signIn = way;
}

async function problemOf(response) {
    try {
        return new Problem({ title: response.statusText, ...(await response.json()), status: response.status });
    } catch {
        return new Problem({ status: response.status, title: response.statusText });
    }
}

/**
 * The answer to a request, once there is a good one.
 * @param {string} url
 * @param {RequestInit} [options]
 * @returns {Promise<Response>}
 * @throws {Problem}
 */
export async function request(url, options = {}) {
    for (let attempt = 0; ; attempt += 1) {
        let response;
        try {
            response = await fetch(url, { cache: 'no-store', ...options });
        } catch (error) {
            if (options.signal?.aborted) throw error;
            if (!(await reachable())) await wait(200 * (attempt + 1), options.signal);
            options.signal?.throwIfAborted();
            continue;
        }
        if (response.ok) return response;
        if (response.status === 401) {
            await signIn();
        } else if (response.status === 503 && attempt < 3) {
            connection.wasBusy = true;
            tell('busy');
            await wait(1000 * Math.min(5, Number(response.headers.get('Retry-After')) || 1), options.signal);
        } else {
            const problem = await problemOf(response);
            if (problem.parameter !== 'zone' || url.endsWith('zone=local')) throw problem;
            zone = 'local';
            url = url.replace(/zone=[^&]*$/, 'zone=local');
        }
    }
}

// Whole numbers above 2^53 keep their digits where the browser lets us see them.
const exactly = (_, value, context) => (typeof value === 'number' && !Number.isSafeInteger(value)
    && /^-?\d+$/.test(context?.source ?? '') ? BigInt(context.source) : value);

/**
 * JSON without loss: integers that JavaScript's numbers cannot hold become `bigint`.
 * @param {string} text
 * @returns {any}
 */
export const parseJson = (text) => JSON.parse(text, exactly);

/**
 * A record as JSON, as `logstore query -o json` writes it.
 * @param {Object<string, any>} record
 * @returns {string}
 */
export function recordJson({ cursor, ...record }) {
    const exact = (_, value) => (typeof value === 'bigint' ? JSON.rawJSON(String(value)) : value);
    return JSON.stringify(record, exact, 2);
}

/**
 * Asks for a JSON document.
 * @param {string} path
 * @param {Object<string, any>} [parameters]
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 * @throws {Problem}
 */
export async function ask(path, parameters, signal) {
    const response = await request(address(path, parameters), { signal });
    return parseJson(await response.text());
}

/**
 * Whether an error only says that nobody waits for the answer any more.
 * @param {any} error
 * @returns {boolean}
 */
export const isAbort = (error) => error?.name === 'AbortError';
