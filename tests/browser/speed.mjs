// Measures the page: `tests/browser/speed DATABASE [BINARY]` starts the program on this database and prints medians in ms.
// Not part of the tests: figures of a busy machine say nothing.

import path from 'node:path';

const [db, binary = process.env.LOGSTORE_BINARY ?? 'target/release/logstore'] = process.argv.slice(2);
if (!db) {
    console.error('usage: tests/browser/speed DATABASE [BINARY]   (it logs a few records into the database)');
    process.exit(2);
}
process.env.LOGSTORE_BINARY = path.resolve(binary);
const { launch, open, Server, answered } = await import('./support.mjs');

const ROUNDS = 9;
const FILTERS = ['level:error', 'level:warning', 'name:root', '-name:root', ''];

const median = (times) => times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)];
const print = (what, times) => {
    const round = (ms) => ms.toFixed(0).padStart(5);
    console.log(`${what.padEnd(44)} median ${round(median(times))}  best ${round(Math.min(...times))}  worst ${round(Math.max(...times))} ms`);
};

const server = await Server.start({ db: path.resolve(db) });
const browser = await launch();
console.log(`Chromium ${browser.version()}, ${db}`);

const rowsAt = (page) => page.evaluate(() => performance.getEntriesByName('rows')[0].startTime);
const total = (page) => page.waitForFunction(() => /record/.test(document.getElementById('count').textContent));

// Each in a browser context of its own: nothing is cached, and Chromium starts a process for it. The first warms the program's caches.
const opened = [];
for (let round = 0; round <= ROUNDS; round += 1) {
    const page = await open(browser, server);
    await answered(page);
    await total(page);
    if (round === 0) console.log(`${await page.textContent('#count')}; first of all ${(await rowsAt(page)).toFixed(0)} ms`);
    else opened.push(await rowsAt(page));
    await page.close();
}
print('navigation to rows drawn, nothing cached', opened);

const again = await open(browser, server);
const reopened = [];
for (let round = 0; round < ROUNDS; round += 1) {
    await answered(again);
    await total(again);
    await again.goto(`${server.url}/?again=${round}`);
    await answered(again);
    reopened.push(await rowsAt(again));
}
print('navigation to rows drawn, again', reopened);
await again.close();

const page = await open(browser, server);
await answered(page);
for (const q of FILTERS) {
    const times = [];
    for (let round = 0; round < ROUNDS; round += 1) {
        times.push(await page.evaluate((text) => new Promise((resolve) => {
            const root = document.documentElement;
            const began = performance.now();
            new MutationObserver((_, observer) => {
                observer.disconnect();
                requestAnimationFrame(() => resolve(performance.now() - began));
            }).observe(root, { attributeFilter: ['data-answered'] });
            document.getElementById('q').value = text;
            document.getElementById('search').requestSubmit();
        }), q));
    }
    print(`filter to new rows drawn: ${q || '(all)'}`, times);
}
await page.close();

// Python tells when it emits; the page tells when the row is in the document. Both are clocks of this machine.
const live = await open(browser, server, '/?live=1');
await answered(live);
await live.waitForFunction(() => document.getElementById('live').getAttribute('aria-pressed') === 'true');
const python = server.python('speed', 'import time', 'for line in sys.stdin:', '    at = time.time() * 1000', '    log.warning("speed %s", line.strip())', '    print(at, flush=True)');
const lines = (async function* each() {
    let rest = '';
    for await (const bytes of python.stdout) {
        const parts = (rest + bytes).split('\n');
        rest = parts.pop();
        yield* parts;
    }
}());
const tails = [];
for (let round = 0; round <= ROUNDS; round += 1) {
    const text = `speed ${round}-${Date.now()}`;
    const seen = live.evaluate((wanted) => new Promise((resolve) => {
        const look = () => {
            const row = document.querySelector('.rows .row .text');
            if (row?.textContent === wanted) resolve(performance.timeOrigin + performance.now());
            else requestAnimationFrame(look);
        };
        look();
    }), text);
    python.stdin.write(`${text.slice(6)}\n`);
    const { value } = await lines.next();
    const took = (await seen) - Number(value);
    if (round > 0) tails.push(took);
}
python.stdin.end();
print('emit to visible in the live tail', tails);
await live.close();
await browser.close();
await server.stop();
