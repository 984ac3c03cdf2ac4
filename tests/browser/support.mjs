// What the tests share: a server of their own, records, a browser that notices what a page must not do.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import assert from 'node:assert/strict';

export const root = fileURLToPath(new URL('../..', import.meta.url));
const require = createRequire(path.join(root, 'target/browser/package.json'));
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const BINARY = path.resolve(root, process.env.LOGSTORE_BINARY ?? 'target/debug/logstore');
const CHROMIUM = process.env.LOGSTORE_CHROMIUM ?? '/usr/bin/chromium';
// How long anything may take that should take milliseconds. Only a failing test waits so long.
export const PATIENCE = 30_000;

/** A browser without anything that would call home. */
export const launch = () => chromium.launch({
    executablePath: CHROMIUM,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
        '--disable-component-update', '--disable-sync'],
});

/** Runs the program to its end, with this standard input. */
export function logstore(args, input = '') {
    const ended = spawnSync(BINARY, args, { input, encoding: 'utf8', maxBuffer: 1 << 30 });
    assert.equal(ended.status, 0, `${args.join(' ')}: ${ended.stderr}`);
    return ended.stdout;
}

/** A directory with a database in it, gone with the test. */
export class Store {
    constructor(records = []) {
        this.directory = mkdtempSync(path.join(tmpdir(), 'logstore-page-'));
        this.db = path.join(this.directory, 'runs.sqlite');
        if (records.length > 0) this.add(records);
    }

    /** Adds records: objects, or JSON as it is where JavaScript's numbers would lose digits. */
    add(records) {
        logstore(['send', '--json', '--db', this.db], records.map((record) => (typeof record === 'string' ? record : JSON.stringify(record))).join('\n'));
    }

    file(name, text) {
        const file = path.join(this.directory, name);
        writeFileSync(file, text, { mode: 0o600 });
        return file;
    }

    remove() {
        rmSync(this.directory, { recursive: true });
    }
}

const running = new Set();
process.on('exit', () => { for (const child of running) child.kill('SIGKILL'); });

/** A running `logstore serve`. */
export class Server {
    static async start(store, args = [], port = 0, env = {}) {
        const server = new Server();
        const child = spawn(BINARY, ['serve', '--db', store.db, '--port', String(port), '--own-records', 'off', ...args], {
            stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...env },
        });
        server.child = child;
        // A test that fails does not stop its servers; they must neither outlive it nor keep it alive.
        running.add(child);
        child.unref();
        child.stderr.unref();
        server.ended = new Promise((resolve) => { child.on('exit', resolve); });
        let said = '';
        await new Promise((resolve, reject) => {
            const timer = setTimeout(() => reject(new Error(`the server does not listen: ${said}`)), PATIENCE);
            child.on('exit', () => reject(new Error(`the server has ended: ${said}`)));
            child.stderr.on('data', (bytes) => {
                said += bytes;
                const found = /listening on \S+:(\d+)/.exec(said);
                if (!found) return;
                server.port = Number(found[1]);
                clearTimeout(timer);
                resolve();
            });
        });
        server.url = `http://127.0.0.1:${server.port}`;
        return server;
    }

    async stop() {
        this.child.ref();
        this.child.kill('SIGTERM');
        await this.ended;
    }

    /** Logs from Python through a SocketHandler: each line of `python` is a statement; `log` is a logger. */
    python(name, ...lines) {
        const script = ['import logging, logging.handlers, sys', `handler = logging.handlers.SocketHandler("127.0.0.1", ${this.port})`,
            `log = logging.getLogger(${JSON.stringify(name)})`, 'log.setLevel(1)', 'log.addHandler(handler)', ...lines, 'handler.close()'];
        return spawn(process.env.LOGSTORE_TEST_PYTHON ?? 'python3', ['-c', script.join('\n')], { stdio: ['pipe', 'pipe', 'inherit'] });
    }

    async pythonEnds(name, ...lines) {
        const child = this.python(name, ...lines);
        assert.equal(await new Promise((resolve) => { child.on('exit', resolve); }), 0);
    }
}

// With LOGSTORE_WEB=1 the page's files come from `web/` as they are, with the headers of the program's: no build between two tries.
async function fromFiles(context, server) {
    await context.route((url) => url.origin === server.url && (url.pathname === '/' || url.pathname.startsWith('/assets/')), async (route) => {
        const { pathname } = new URL(route.request().url());
        const body = readFileSync(path.join(root, 'web', pathname === '/' ? 'index.html' : path.basename(pathname)));
        // The program knows the modules as one, which has the name of the last.
        const url = pathname.endsWith('.js') ? `${server.url}/assets/main.js` : undefined;
        const response = await route.fetch({ url }).catch(() => null);
        await (response ? route.fulfill({ response, body }) : route.abort());
    });
}

/**
 * A page that is watched: requests to elsewhere, refused content, script errors and dialogs are noted, and fail the test at `close`.
 */
export async function open(browser, server, target = '/', options = {}) {
    const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, timezoneId: 'Asia/Kolkata', ...options });
    context.setDefaultTimeout(PATIENCE);
    if (process.env.LOGSTORE_WEB) await fromFiles(context, server);
    const page = await context.newPage();
    const wrong = [];
    await page.addInitScript(() => {
        document.addEventListener('securitypolicyviolation', (event) => {
            console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
        });
    });
    page.on('request', (request) => {
        const { origin, protocol } = new URL(request.url());
        if (origin !== server.url && !['data:', 'blob:'].includes(protocol)) wrong.push(`a request to ${request.url()}`);
    });
    page.on('pageerror', (error) => wrong.push(`an error: ${error.stack}`));
    page.on('dialog', (dialog) => {
        wrong.push(`a dialog: ${dialog.message()}`);
        dialog.dismiss();
    });
    page.on('console', (message) => {
        const text = message.text();
        // Chromium writes every refused or failed request there; what the page makes of them is what is tested.
        if (message.type() === 'error' && !text.startsWith('Failed to load resource')) wrong.push(`on the console: ${text}`);
    });
    page.close = async () => {
        await context.close();
        assert.deepEqual(wrong, []);
    };
    if (target !== null) await page.goto(server.url + target);
    return page;
}

/** Waits until the list shows the answer to the question so-and-so many of the page; 1 is the first. */
export const answered = (page, questions = 1) => page.waitForFunction(
    (least) => Number(document.documentElement.dataset.answered ?? 0) >= least, questions);

/** Types a search and waits for its answer. */
export async function search(page, q) {
    const before = await page.evaluate(() => Number(document.documentElement.dataset.answered ?? 0));
    await page.fill('#q', q);
    await page.press('#q', 'Enter');
    await answered(page, before + 1);
}

/** The messages of the rows that are seen. */
export const messages = (page) => page.$$eval('.rows .row:not([hidden]) .text', (cells) => cells.map((cell) => cell.textContent));

/** Waits until the line over the list says this, and the list is drawn, which it is with the next frame. */
export async function counted(page, text) {
    await page.waitForFunction((wanted) => document.getElementById('count').textContent === wanted, text);
    await page.evaluate(() => new Promise((drawn) => { requestAnimationFrame(() => requestAnimationFrame(drawn)); }));
}

/** Waits for a condition in the page. */
export const until = (page, condition, argument) => page.waitForFunction(condition, argument);

/** What axe-core finds that is serious. */
export async function judged(page, view) {
    await page.waitForFunction(() => document.getAnimations().length === 0);
    // Evaluated from outside of the page, which the page's policy does not forbid.
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
    return violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(({ id, help, nodes }) => `${view}: ${id}: ${help}: ${nodes.slice(0, 3).map((node) => node.html).join(' ')}`);
}

/** Records of a small shop, a second apart, the last one at `end`. */
export function shop(count, end = Date.now()) {
    const loggers = ['shop.api', 'shop.api.orders', 'shop.db', 'shop.db.pool', 'worker'];
    return Array.from({ length: count }, (_, i) => {
        const isError = i % 10 === 9;
        const levelno = isError ? 40 : i % 5 === 3 ? 30 : 20;
        return {
            created: new Date(end - (count - 1 - i) * 1000).toISOString(), name: loggers[i % 5], levelno,
            levelname: { 20: 'INFO', 30: 'WARNING', 40: 'ERROR' }[levelno], message: isError ? `request ${i} failed` : `request ${i} done`,
            hostname: `node${i % 2}`, process: 4000 + (i % 3), threadName: 'MainThread', elapsed: i / 10, user: { id: i % 7, name: 'ada' },
            ...(isError ? { exc_text: 'Traceback (most recent call last):\n  File "shop.py", line 3\nValueError: no such order' } : {}),
        };
    });
}
