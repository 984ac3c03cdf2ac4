// Takes the pictures of the page in docs/: of a few loggers of a made-up pipeline and shop. `tests/browser/run` sets up what it needs.

import { statSync } from 'node:fs';
import path from 'node:path';
import { launch, open, root, Server, Store } from './support.mjs';

const NOW = Date.now();
const TRACEBACK = `Traceback (most recent call last):
  File "/srv/shop/api/orders.py", line 82, in place
    payment = self.bank.charge(order.total, timeout=5)
  File "/srv/shop/bank.py", line 31, in charge
    reply = self.session.post(url, json=body, timeout=timeout)
  File "/usr/lib/python3.12/site-packages/requests/sessions.py", line 637, in post
    return self.request("POST", url, data=data, json=json, **kwargs)
TimeoutError: the bank did not answer within 5 s`;
const CHOICES = [
    ['shop.api.orders', 20, (n) => `order ${n} placed, ${2 + (n % 5)} items`],
    ['shop.api.orders', 20, (n) => `order ${n} shipped from warehouse ${n % 3}`],
    ['shop.api.users', 20, (n) => `user ${n % 400} signed in`],
    ['shop.api.users', 10, (n) => `session of user ${n % 400} renewed`],
    ['shop.db.pool', 10, (n) => `connection ${n % 8} taken after ${n % 17} ms`],
    ['shop.db', 10, (n) => `SELECT * FROM orders WHERE id = ${n}`],
    ['pipeline.load', 20, (n) => `part ${n % 64} of 64 loaded, ${9000 + (n * 37) % 4000} rows`],
    ['pipeline.transform', 20, (n) => `joined weather and orders of day ${n % 30}`],
    ['pipeline.publish', 20, (n) => `table daily_sales written, version ${n}`],
    ['shop.db.pool', 30, (n) => `all 8 connections are taken, waited ${200 + (n % 900)} ms`],
    ['pipeline.load.csv', 30, (n) => `line ${n}: 13 columns instead of 12, skipped`],
    ['shop.api.users', 30, (n) => `user ${n % 400}: third wrong password`],
    ['shop.api.orders', 40, (n) => `order ${n} could not be paid: the bank did not answer`],
    ['pipeline.publish', 40, () => 'table daily_sales is locked by another job'],
    ['shop.db', 50, () => 'the disk of the replica is full, it stops'],
];
const WEIGHTS = [9, 6, 8, 10, 9, 7, 6, 4, 2, 2, 1, 1, 0.5, 0.2, 0.03];

// The same numbers every time.
let seed = 7;
const random = () => {
    seed = (seed * 48271) % 2147483647;
    return seed / 2147483647;
};

function pick(hour) {
    // Payments fail for a while in the afternoon.
    const isBad = hour > 14.2 && hour < 15.6;
    const weights = WEIGHTS.map((weight, place) => (isBad && [9, 12].includes(place) ? weight * 6 : weight));
    let at = random() * weights.reduce((sum, weight) => sum + weight, 0);
    return CHOICES[weights.findIndex((weight) => (at -= weight) < 0)] ?? CHOICES[0];
}

function sample(count) {
    const records = [];
    for (let n = 0; n < count; n += 1) {
        const hour = (n / count) * 24;
        if (random() > 0.35 + 0.6 * Math.sin((hour / 24) * Math.PI) ** 2) continue;
        const [name, levelno, say] = pick(hour);
        const part = name.split('.').pop();
        records.push({
            created: new Date(NOW - (count - n) * (864e5 / count) - random() * 900).toISOString().replace('Z', `${String(n % 1000).padStart(3, '0')}Z`), name, levelno,
            levelname: { 10: 'DEBUG', 20: 'INFO', 30: 'WARNING', 40: 'ERROR', 50: 'CRITICAL' }[levelno], message: say(40_000 + n),
            hostname: `web${1 + (n % 3)}`, process: 4200 + (n % 4), processName: 'MainProcess', threadName: `worker-${n % 6}`,
            pathname: `/srv/${name.replaceAll('.', '/')}.py`, filename: `${part}.py`, module: part, lineno: 20 + (n % 120), funcName: 'place',
            ...(name.includes('orders') ? { order: { id: 40_000 + n, total: 12.5 + (n % 90), currency: 'EUR' }, elapsed: Math.round(random() * 5e3) / 1e3, tags: ['web', 'eu'] } : {}),
            ...(levelno === 40 && name.includes('orders') ? { exc_text: TRACEBACK } : {}),
        });
    }
    return records;
}

const store = new Store(sample(40_000));
const [browser, server] = [await launch(), await Server.start(store)];

async function picture(name, target, options, act) {
    const page = await open(browser, server, target, { timezoneId: 'Europe/Berlin', ...options });
    await page.waitForFunction(() => /^[\d,]+ records$/.test(document.getElementById('count').textContent));
    await page.waitForSelector('#loggers .node', { state: 'attached' });
    await act?.(page);
    const file = path.join(root, 'docs', `${name}.png`);
    await page.screenshot({ path: file });
    console.log(`${name}.png ${Math.round(statSync(file).size / 1024)} KiB`);
    await page.close();
}

const WIDE = { viewport: { width: 1200, height: 700 } };
await picture('page-light', '/', WIDE);
await picture('page-dark', '/?q=level%3Awarning&since=-12h&compare=before', { ...WIDE, colorScheme: 'dark' }, (page) => page.waitForSelector('#other:not([hidden])'));
await picture('page-detail', '/?q=level%3Aerror', WIDE, async (page) => {
    await page.click('.rows .row[data-level=error]:has(.more:text("traceback"))');
    await page.waitForSelector('#detail pre.trace');
    await page.mouse.move(640, 20);
});
await picture('page-narrow', '/?q=name%3Ashop', { viewport: { width: 400, height: 760 } });
await browser.close();
await server.stop();
store.remove();
