// Where the list stands: links to a record, reload and Back; a file that is moved away under a page.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import path from 'node:path';
import { answered, counted, launch, messages, open, search, Server, shop, Store, until } from './support.mjs';

let browser, store, server;
before(async () => {
    store = new Store(shop(2000));
    [browser, server] = [await launch(), await Server.start(store)];
});
after(async () => {
    await browser.close();
    await server.stop();
    store.remove();
});

// The message of the marked row, once there is one that can be seen as a whole.
const marked = async (page) => {
    const row = await page.waitForFunction(() => {
        const row = document.querySelector('.rows .row:not([hidden])[aria-selected=true]');
        if (!row) return null;
        const [list, head] = [document.getElementById('list').getBoundingClientRect(), document.querySelector('.row.head').getBoundingClientRect()];
        const { top, bottom } = row.getBoundingClientRect();
        return top >= list.top + head.height - 1 && bottom <= list.bottom + 1 ? row.querySelector('.text').textContent : null;
    });
    return row.jsonValue();
};
const said = (page, text) => until(page, (wanted) => document.querySelector('#detail pre.said')?.textContent === wanted, text);
const indexOf = (page) => page.$eval('.row[aria-selected=true]', (row) => Number(row.getAttribute('aria-rowindex')) - 2);
const first = async (page) => (await messages(page))[0];

test('a link opens the list around its record', async () => {
    for (const [id, row] of [[1001, 999], [1, 1999], [2000, 0], [1950, 50]]) {
        const page = await open(browser, server, `/?id=${id}`);
        const message = `request ${id - 1} ${id % 10 === 0 ? 'failed' : 'done'}`;
        await counted(page, '2,000 records');
        assert.equal(await marked(page), message);
        await said(page, message);
        await until(page, (wanted) => {
            const index = document.querySelector('.row[aria-selected=true]')?.getAttribute('aria-rowindex');
            return Math.abs(Number(index) - 2 - wanted) <= 40;
        }, row);
        assert.equal(await page.$eval('.rows .row:not([hidden])', (row) => row.classList.contains('waiting')), false);
        await page.keyboard.press('j');
        const next = Math.max(id - 2, 0);
        await said(page, `request ${next} ${next % 10 === 9 ? 'failed' : 'done'}`);
        await page.close();
    }
});

test('from a linked record the list goes on to both ends, in both orders', async () => {
    for (const [order, top, end] of [['newest', 1999, 0], ['oldest', 0, 1999]]) {
        const page = await open(browser, server, `/?id=1001&order=${order}`);
        await counted(page, '2,000 records');
        assert.equal(await marked(page), 'request 1000 done');
        assert.ok(Math.abs(await indexOf(page) - (order === 'newest' ? 999 : 1000)) <= 40);
        await page.focus('#list');
        // A wheel goes up from what is there, page by page.
        const middle = await page.evaluate(() => document.getElementById('list').scrollTop);
        for (let from = middle - 800; from > middle - 8000; from -= 800) {
            await page.evaluate((to) => new Promise((drawn) => {
                document.getElementById('list').scrollTop = to;
                requestAnimationFrame(() => requestAnimationFrame(drawn));
            }), from);
            await until(page, () => !document.querySelector('.rows .row.waiting:not([hidden])'));
        }
        const numbers = (await messages(page)).map((text) => Number(/\d+/.exec(text)[0]));
        assert.ok(numbers.every((number, at) => at === 0 || number - numbers[at - 1] === (order === 'newest' ? -1 : 1)), String(numbers));
        await page.keyboard.press('Home');
        await until(page, (wanted) => document.querySelector('.rows .row .text')?.textContent.startsWith(`request ${wanted} `), top);
        await page.keyboard.press('End');
        await until(page, (wanted) => [...document.querySelectorAll('.rows .row:not([hidden]) .text')].at(-1)?.textContent.startsWith(`request ${wanted} `), end);
        await counted(page, '2,000 records');
        await page.close();
    }
});

test('a record that does not match: the list stands at its time', async () => {
    const page = await open(browser, server, '/?id=1001&q=level:error');
    await counted(page, '200 records');
    await said(page, 'request 1000 done');
    assert.equal(await page.$$eval('[aria-selected=true]', (rows) => rows.length), 0);
    const shown = await messages(page);
    assert.ok(shown.includes('request 999 failed') && shown.includes('request 1009 failed'), String(shown));
    await page.keyboard.press('j');
    await said(page, 'request 999 failed');
    await page.goto(`${server.url}/?id=1001&q=level:error`);
    await said(page, 'request 1000 done');
    await answered(page);
    await page.keyboard.press('k');
    await said(page, 'request 1009 failed');
    await page.goto(`${server.url}/?id=1001&q=nowhere`);
    await counted(page, 'No records match.');
    await page.goto(`${server.url}/?id=4711`);
    await counted(page, '2,000 records');
    assert.equal(await first(page), 'request 1999 failed');
    await page.close();
});

test('without the filter that found it, a record is read among its neighbours', async () => {
    const page = await open(browser, server);
    await search(page, 'level:error');
    await counted(page, '200 records');
    await page.click('.rows .row:nth-child(15)');
    const message = await marked(page);
    await page.click('#clear');
    await counted(page, '2,000 records');
    assert.equal(await marked(page), message);
    const shown = await messages(page);
    const number = Number(/\d+/.exec(message)[0]);
    assert.ok([number - 1, number + 1].every((next) => shown.includes(`request ${next} done`)), String(shown));
    await page.click('#order');
    await until(page, () => document.documentElement.dataset.answered === '4');
    assert.equal(await marked(page), message);
    await page.close();
});

test('Back and a reload show the list where it was', async () => {
    const page = await open(browser, server);
    await counted(page, '2,000 records');
    await page.evaluate(() => { document.getElementById('list').scrollTop = 12_000; });
    await until(page, () => !document.querySelector('.rows .row.waiting:not([hidden])') && history.state?.at);
    const stood = await first(page);
    await page.click('.rows .row:nth-child(3)');
    await page.click('#detail [aria-label^="Filter for name"]');
    await answered(page, 2);
    await page.goBack();
    await answered(page, 3);
    assert.equal(await first(page), stood);
    await page.reload();
    await answered(page);
    assert.equal(await first(page), stood);
    await page.focus('#list');
    await page.keyboard.press('Home');
    await until(page, () => history.state === null && document.querySelector('.rows .row .text').textContent === 'request 1999 failed');
    await page.close();
});

test('the buttons of the record go to the next and the one before', async () => {
    const page = await open(browser, server, '/', { viewport: { width: 400, height: 800 } });
    await counted(page, '2,000 records');
    await page.click('.rows .row:nth-child(2)');
    await said(page, 'request 1998 done');
    await page.getByRole('button', { name: 'Next record' }).click();
    await said(page, 'request 1997 done');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'detail-next');
    await page.getByRole('button', { name: 'Previous record' }).click();
    await said(page, 'request 1998 done');
    const seen = await page.$$eval('#detail > .title button', (buttons) => buttons.every((button) => {
        const { left, right, width } = button.getBoundingClientRect();
        return width > 0 && left >= 0 && right <= innerWidth;
    }));
    assert.ok(seen);
    await page.close();
});

test('live counts what comes while the list stands at a linked record', async () => {
    const other = new Store(shop(600));
    const live = await Server.start(other);
    const page = await open(browser, live, '/?id=300&live=1');
    await counted(page, '600 records');
    assert.equal(await marked(page), 'request 299 failed');
    await until(page, () => document.documentElement.dataset.answered === '1');
    await live.pythonEnds('live', 'log.info("new")');
    await until(page, () => document.getElementById('jump').textContent.startsWith('1 new'));
    assert.equal(await marked(page), 'request 299 failed');
    await page.click('#jump');
    await until(page, () => document.querySelector('.rows .row .text').textContent === 'new');
    await counted(page, '601 records');
    await page.close();
    await live.stop();
    other.remove();
});

async function withRotation(work) {
    const other = new Store(shop(300));
    const rotated = await Server.start(other);
    // The file gets its number with what is stored first.
    await rotated.pythonEnds('old', 'log.info("of the old file")');
    await work(rotated, async () => {
        renameSync(other.db, path.join(other.directory, 'old.sqlite'));
        await rotated.pythonEnds('next', 'for i in range(20): log.info("of the new file %d", i)');
        for (let last = 0; last !== 20;) last = (await (await fetch(`${rotated.url}/api/meta`)).json()).last_id;
    });
    await rotated.stop();
    other.remove();
}

const BEGUN = 'The server has begun a new file.';

test('a link to a record of a file that was moved says so, and shows no other record', () => withRotation(async (rotated, rotate) => {
    const page = await open(browser, rotated, '/?id=5');
    await counted(page, '301 records');
    await until(page, () => /[?&]id=5@[0-9a-f]{16}$/.test(location.search));
    const link = await page.getAttribute('#detail-title a', 'href');
    assert.match(link, /[?&]id=5@[0-9a-f]{16}$/);
    await rotate();
    await page.goto(link);
    await page.waitForSelector('#detail .trouble:not([hidden])');
    assert.match(await page.textContent('#detail-body'), /record 5 was in a file that has been moved away/);
    await counted(page, '20 records');
    assert.equal(await page.$$eval('[aria-selected=true]', (rows) => rows.length), 0);
    await page.keyboard.press('j');
    await said(page, 'of the new file 19');
    await page.close();
}));

test('a page that was opened before the file was moved begins anew', () => withRotation(async (rotated, rotate) => {
    const page = await open(browser, rotated);
    await counted(page, '301 records');
    await page.click('.rows .row:nth-child(4)');
    await said(page, 'request 297 done');
    await rotate();
    await page.click('.surroundings summary');
    await page.waitForSelector('.around .trouble');
    assert.match(await page.textContent('.around'), /moved away/);
    await counted(page, '20 records');
    await until(page, () => document.getElementById('bars').getAttribute('aria-label').startsWith('Histogram of 20 records'));
    await until(page, () => !document.querySelector('#loggers [data-name="shop"]'));
    assert.equal(await page.isVisible('#detail-moved'), true);
    assert.equal(await page.textContent('#detail pre.said'), 'request 297 done');
    assert.equal(await page.$$eval('.note', (notes) => notes.length), 1);
    assert.equal(await page.textContent('.note'), BEGUN);
    await page.click('.rows .row:nth-child(1)');
    await said(page, 'of the new file 19');
    assert.equal(await page.isVisible('#detail-moved'), false);
    await page.close();
}));

test('a page that scrolls into another file begins anew', () => withRotation(async (rotated, rotate) => {
    const page = await open(browser, rotated);
    await counted(page, '301 records');
    await rotate();
    await page.focus('#list');
    await page.keyboard.press('End');
    await counted(page, '20 records');
    assert.equal(await page.textContent('.note'), BEGUN);
    await page.close();
}));

test('a live page shows the next file alone', () => withRotation(async (rotated, rotate) => {
    const page = await open(browser, rotated, '/?live=1');
    await counted(page, '301 records');
    await rotated.pythonEnds('old', 'log.info("live of the old file")');
    await counted(page, '302 records');
    await rotate();
    await counted(page, '20 records');
    assert.equal(await page.locator('.note', { hasText: BEGUN }).count(), 1);
    await rotated.pythonEnds('next', 'log.info("the last")');
    await counted(page, '21 records');
    assert.equal(await first(page), 'the last');
    await until(page, () => document.getElementById('bars').getAttribute('aria-label').startsWith('Histogram of 21 records'));
    assert.equal(await page.locator('.note', { hasText: BEGUN }).count(), 1);
    await page.close();
}));
