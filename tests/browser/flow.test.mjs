// What stands and what moves while records come: a zoom, the range of time, the rows under the pointer.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { answered, counted, launch, logstore, messages, open, Server, shop, Store, until } from './support.mjs';

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

async function withServer(records, work) {
    const store = new Store(records);
    const server = await Server.start(store);
    const loggers = [];
    // Logs until the end of the test.
    const steadily = (perSecond) => loggers.push(server.python('steady', 'import time', `for i in range(${perSecond * 120}):`,
        `    log.info("steady %d", i); time.sleep(1 / ${perSecond})`));
    try {
        await work(server, store, steadily);
    } finally {
        for (const logger of loggers) logger.kill();
        await server.stop();
        store.remove();
    }
}

const grew = async (page, by = 5) => {
    const count = () => Number(document.getElementById('count').textContent.replace(/\D/g, ''));
    const before = await page.evaluate(count);
    await until(page, (least) => Number(document.getElementById('count').textContent.replace(/\D/g, '')) >= least, before + by);
};

test('a part of the histogram is chosen with the pointer while records come', () => withServer(shop(300), async (server, store, steadily) => {
    const page = await open(browser, server, '/?live=1');
    await counted(page, '300 records');
    steadily(20);
    await grew(page);
    const { x, y, width, height } = await page.locator('#plot').boundingBox();
    const bars = await page.evaluate(() => document.querySelector('.handle').getAttribute('aria-valuemax'));
    await page.mouse.move(x + width * 0.25, y + height / 2);
    await page.mouse.down();
    await grew(page);
    await page.mouse.move(x + width * 0.5, y + height / 2, { steps: 3 });
    await grew(page);
    // The bars get another width meanwhile.
    store.add([{ level: 'info', name: 'old', message: 'of old', created: new Date(Date.now() - 3_600_000).toISOString() }]);
    await until(page, () => !document.querySelector('#width').textContent.match(/ s a bar/));
    const left = await page.evaluate(() => parseFloat(document.querySelector('.band').style.left));
    assert.ok(left > 50, `${left}: the band is where its time is now`);
    await page.mouse.up();
    await answered(page, 2);
    const [since, till] = ['since', 'until'].map((name) => Date.parse(new URL(page.url()).searchParams.get(name)));
    assert.ok(till - since > 50_000 && till - since < 120_000, `${bars} bars, ${till - since} ms`);
    await page.close();
}));

test('and with the keys', () => withServer(shop(300), async (server, store, steadily) => {
    const page = await open(browser, server, '/?live=1');
    await counted(page, '300 records');
    steadily(20);
    await page.focus('.handle');
    for (let i = 0; i < 3; i += 1) {
        await page.keyboard.press('Shift+ArrowRight');
        await grew(page);
    }
    const said = await page.getAttribute('.handle', 'aria-valuetext');
    await page.keyboard.press('Enter');
    await answered(page, 2);
    const since = new URL(page.url()).searchParams.get('since');
    assert.ok(Date.parse(since) > Date.now() - 290_000, since);
    assert.equal(await page.evaluate((time) => new Date(time).toLocaleString(), since), said);
    await page.close();
}));

test('a range that slides is one for list, count and histogram', () => withServer(shop(600), async (server, store, steadily) => {
    const page = await open(browser, server, '/?since=-6s&live=1');
    await answered(page);
    steadily(20);
    await grew(page, 100);
    const seen = [];
    for (let i = 0; i < 12; i += 1) {
        seen.push(await page.evaluate(async () => {
            const number = (text) => Number(text.replace(/\D/g, ''));
            const sum = (total, each) => total + number(each.textContent);
            const here = {
                count: number(document.getElementById('count').textContent),
                bars: number(/of ([\d,]+) records/.exec(document.getElementById('bars').getAttribute('aria-label'))[1]),
                levels: [...document.querySelectorAll('#levels b')].reduce(sum, 0),
            };
            const { total } = await (await fetch('/api/histogram?since=-6s')).json();
            return { ...here, stored: total };
        }));
        await page.waitForTimeout(500);
    }
    for (const { count, bars, levels, stored } of seen) {
        assert.deepEqual([bars, levels], [count, count], JSON.stringify(seen));
        assert.ok(Math.abs(stored - count) <= 30, JSON.stringify(seen));
    }
    await until(page, () => {
        const [rows, count] = [document.getElementById('list').getAttribute('aria-rowcount') - 1, document.getElementById('count').textContent];
        return count === `${rows} records`;
    });
    await page.close();
}));

test('what retention removes is not counted any more, live', () => withServer(shop(400), async (server, store) => {
    const page = await open(browser, server, null);
    await page.clock.install();
    await page.goto(`${server.url}/?live=1`);
    await counted(page, '400 records');
    logstore(['prune', '--db', store.db, '--keep', '100s']);
    const stored = async () => (await (await fetch(`${server.url}/api/count`)).json()).total;
    const left = await stored();
    assert.ok(left > 50 && left < 101, left);
    await page.clock.runFor(31_000);
    await counted(page, `${left} records`);
    await until(page, (rows) => document.getElementById('list').getAttribute('aria-rowcount') === String(rows + 1), left);
    await until(page, (records) => document.getElementById('bars').getAttribute('aria-label').startsWith(`Histogram of ${records} records`), left);
    await page.close();
}));

test('a page asks again one question at a time, less often where answers take long, and not while it is hidden', () => withServer(shop(50), async (server) => {
    const page = await open(browser, server, null);
    await page.clock.install();
    let [asked, waiting, most, held] = [0, 0, 0, null];
    await page.route((url) => /^\/api\/(histogram|names)$/.test(url.pathname), async (route) => {
        asked += 1;
        const weight = route.request().url().includes('histogram') ? 1 : 0;
        waiting += weight;
        most = Math.max(most, waiting);
        if (weight > 0) await held;
        waiting -= weight;
        await route.continue();
    });
    await page.goto(`${server.url}/?since=-1h&live=1`);
    await counted(page, '50 records');
    const during = async (ms) => {
        const before = asked;
        await page.clock.runFor(ms);
        await page.waitForTimeout(1000);
        return asked - before;
    };
    assert.ok(await during(6000) >= 2);
    // An answer of 10 s.
    let answer;
    held = new Promise((resolve) => { answer = resolve; });
    await Promise.all([page.waitForRequest(/api.histogram/), page.clock.runFor(6000)]);
    await page.clock.fastForward(10_000);
    answer();
    await page.waitForTimeout(1000);
    assert.equal(await during(20_000), 0);
    assert.ok(await during(100_000) > 0);
    await page.evaluate(() => {
        Object.defineProperty(document, 'hidden', { value: true });
        document.dispatchEvent(new Event('visibilitychange'));
    });
    assert.equal(await during(100_000), 0);
    assert.equal(most, 1);
    await page.close();
}));

for (const order of ['oldest', 'newest']) {
    test(`nor where nothing is live, once an end of the list is seen: the ${order} first`, () => withServer(shop(1500), async (server, store) => {
        const page = await open(browser, server, `/?order=${order}`);
        await counted(page, '1,500 records');
        logstore(['prune', '--db', store.db, '--keep', '1000s']);
        store.add([{ level: 'info', name: 'late', message: 'the last of all' }]);
        const { total } = await (await fetch(`${server.url}/api/count`)).json();
        await page.focus('#list');
        await page.keyboard.press('End');
        await counted(page, `${total.toLocaleString('en-US')} records`);
        await page.keyboard.press('Home');
        const first = order === 'newest' ? 'the last of all' : `request ${1501 - total} `;
        await until(page, (text) => document.querySelector('.rows .row .text').textContent.startsWith(text), first);
        await page.keyboard.press('End');
        const last = order === 'oldest' ? 'the last of all' : `request ${1501 - total} `;
        await until(page, (text) => [...document.querySelectorAll('.rows .row:not([hidden]) .text')].at(-1).textContent.startsWith(text), last);
        await until(page, (rows) => document.getElementById('list').getAttribute('aria-rowcount') === String(rows + 1), total);
        assert.equal(await page.textContent('#count'), `${total.toLocaleString('en-US')} records`);
        await page.close();
    }));
}

const textAt = (page, at) => page.evaluate(
    ({ x, y }) => document.elementFromPoint(x, y).closest('.row').querySelector('.text').textContent, at);

// What a person takes to see a row and to press.
const REACTION_MS = 400;

test('a click opens the record that was seen there', () => withServer(shop(300), async (server, store, steadily) => {
    const page = await open(browser, server, '/?live=1');
    await counted(page, '300 records');
    steadily(20);
    await grew(page);
    const list = await page.locator('#list').boundingBox();
    await page.mouse.move(list.x + 300, list.y - 40);
    for (let i = 0; i < 4; i += 1) {
        const [x, y] = [list.x + 400 + i, list.y + 100 + 40 * i];
        await page.mouse.move(x, y, { steps: 5 });
        // What came before it is drawn.
        await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
        const seen = await textAt(page, { x, y });
        await page.waitForTimeout(REACTION_MS);
        await page.mouse.down();
        await page.waitForTimeout(100);
        await page.mouse.up();
        await until(page, (text) => document.querySelector('#detail pre.said')?.textContent === text, seen);
        const waiting = await page.textContent('#live-state');
        assert.match(waiting, /^Live, \d+ waiting/);
        assert.equal(await page.isVisible('#jump'), false);
    }
    const before = await messages(page);
    await page.mouse.move(list.x + 300, list.y - 40);
    await until(page, () => document.getElementById('live-state').textContent === 'Live: new records appear as they come');
    await until(page, (first) => document.querySelector('.rows .text').textContent !== first, before[0]);
    // A pointer that rests does not stop what is live.
    await page.mouse.move(list.x + 400, list.y + 100);
    await until(page, () => /waiting/.test(document.getElementById('live-state').textContent));
    await grew(page, 60);
    await page.close();
}));

test('a finger holds the rows, too', () => withServer(shop(300), async (server, store, steadily) => {
    const page = await open(browser, server, '/?live=1', { hasTouch: true, viewport: { width: 400, height: 800 } });
    await counted(page, '300 records');
    steadily(20);
    await grew(page);
    const list = await page.locator('#list').boundingBox();
    const devtools = await page.context().newCDPSession(page);
    const touch = (type, ...touchPoints) => devtools.send('Input.dispatchTouchEvent', { type, touchPoints });
    const at = { x: list.x + 200, y: list.y + 120 };
    await touch('touchStart', at);
    const seen = await textAt(page, at);
    await until(page, () => /waiting/.test(document.getElementById('live-state').textContent));
    await touch('touchEnd');
    await until(page, (text) => document.querySelector('#detail pre.said')?.textContent === text, seen);
    await until(page, () => !/waiting/.test(document.getElementById('live-state').textContent));
    await page.close();
}));
