// A record in full, what is around it, copies and links; the keyboard.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { answered, counted, launch, open, Server, shop, Store, until } from './support.mjs';

let browser, store, server;
before(async () => {
    store = new Store(shop(120));
    [browser, server] = [await launch(), await Server.start(store)];
});
after(async () => {
    await browser.close();
    await server.stop();
    store.remove();
});

const field = (page, name) => page.locator('#detail .field').filter({ has: page.locator(`dt:text-is("${name}")`) }).locator('.value').last().textContent();

test('every field is shown, the traceback as it is, nested fields as a tree', async () => {
    const page = await open(browser, server);
    await counted(page, '120 records');
    await page.click('.rows .row:nth-child(1)');
    assert.equal(await page.textContent('#detail pre.said'), 'request 119 failed');
    assert.match(await page.textContent('#detail pre.trace'), /^Traceback .*\n {2}File "shop.py", line 3\n/);
    assert.equal(await field(page, 'name'), 'worker');
    assert.equal(await field(page, 'hostname'), 'node1');
    assert.equal(await field(page, 'threadName'), 'MainThread');
    assert.equal(await field(page, 'elapsed'), '11.9');
    assert.equal(await field(page, 'id'), '0');
    await page.close();
});

test('times are local, the exact one is a hover away', async () => {
    const store = new Store([{ created: '2026-11-22T20:15:30.123456789Z', level: 'info', name: 'a', message: 'now' }]);
    const other = await Server.start(store);
    const page = await open(browser, other);
    await counted(page, '1 record');
    // India is five and a half hours ahead.
    assert.equal(await page.textContent('.rows .row .time'), 'Nov 23 01:45:30.123');
    const exact = await page.getAttribute('.rows .row .time', 'title');
    assert.equal(exact, '2026-11-23 01:45:30.123456789 +05:30\n2026-11-22T20:15:30.123456789Z');
    await page.close();
    await other.stop();
    store.remove();
});

test('surrounding records of the same origin, and of anybody', async () => {
    const page = await open(browser, server, '/?id=61');
    await page.click('.surroundings summary');
    await page.waitForSelector('.around li');
    const near = () => page.$$eval('.around li .text', (texts) => texts.map((text) => Number(/\d+/.exec(text.textContent)[0])));
    const first = await near();
    assert.equal(first.length, 11);
    assert.ok(first.every((number, place) => place === 0 || number - first[place - 1] === 6), String(first));
    await page.check('.any input');
    await until(page, () => {
        const numbers = [...document.querySelectorAll('.around li .text')].map((text) => Number(/\d+/.exec(text.textContent)[0]));
        return numbers.length === 11 && numbers[1] - numbers[0] === 1;
    });
    const title = await page.textContent('#detail-title');
    await page.click('.around li:first-child button');
    await until(page, (before) => document.getElementById('detail-title').textContent !== before, title);
    await page.close();
});

test('a record is copied as JSON, without losing digits', async () => {
    const store = new Store(['{"level":"info","name":"a","message":"big","number":9007199254740993}']);
    const other = await Server.start(store);
    const page = await open(browser, other, '/', { permissions: ['clipboard-read', 'clipboard-write'] });
    await counted(page, '1 record');
    await page.click('.rows .row');
    assert.equal(await field(page, 'number'), '9007199254740993');
    await page.click('text=Copy as JSON');
    await page.waitForSelector('.note');
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.match(copied, /"number": 9007199254740993\b/);
    assert.match(copied, /"created_ns": \d{19},/);
    const { id, message } = JSON.parse(copied);
    assert.deepEqual([id, message], [1, 'big']);
    await page.close();
    await other.stop();
    store.remove();
});

test('a link opens the record, also one that is gone', async () => {
    const page = await open(browser, server, '/?id=17');
    await page.waitForSelector('#detail pre.said');
    assert.equal(await page.textContent('#detail pre.said'), 'request 16 done');
    assert.match(await page.getAttribute('.tools a', 'href'), /\?id=17$/);
    await page.goto(`${server.url}/?id=4711`);
    await page.waitForSelector('#detail .trouble');
    assert.match(await page.textContent('#detail .trouble'), /no record 4711/);
    await page.close();
});

test('the keyboard reaches everything', async () => {
    const page = await open(browser, server);
    await counted(page, '120 records');
    const marked = () => page.$eval('[role=row][aria-selected=true] .text', (text) => text.textContent);
    await page.keyboard.press('j');
    assert.equal(await marked(), 'request 119 failed');
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('k');
    await until(page, () => document.querySelector('[aria-selected=true] .text')?.textContent === 'request 118 done');
    await page.focus('#list');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#detail:not([hidden])');
    assert.equal(await page.textContent('#detail pre.said'), 'request 118 done');
    await page.keyboard.press('j');
    await until(page, () => document.querySelector('#detail pre.said').textContent === 'request 117 done');
    await page.keyboard.press('Escape');
    await page.waitForSelector('#detail', { state: 'hidden' });
    await page.keyboard.press('End');
    await until(page, () => [...document.querySelectorAll('.rows .row:not([hidden]) .text')].some((text) => text.textContent === 'request 0 done'));
    await page.keyboard.press('Home');
    await until(page, () => document.querySelector('.rows .row .text').textContent === 'request 119 failed');
    await page.keyboard.press('/');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'q');
    await page.keyboard.type('level:error');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Enter');
    await answered(page);
    await page.keyboard.press('Escape');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'list');
    await page.keyboard.press('?');
    await page.waitForSelector('#help[open]');
    assert.match(await page.textContent('#help'), /next record/);
    await page.keyboard.press('Escape');
    await page.waitForSelector('#help', { state: 'hidden' });
    await page.close();
});

test('the marked row is told to screen readers', async () => {
    const page = await open(browser, server);
    await counted(page, '120 records');
    await page.focus('#list');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await until(page, () => {
        const active = document.getElementById(document.getElementById('list').getAttribute('aria-activedescendant'));
        return active?.getAttribute('aria-rowindex') === '3' && active.getAttribute('aria-selected') === 'true';
    });
    await page.close();
});

test('a value that is added takes the place of another of its kind; what no term says is not offered', async () => {
    const long = `${'länge '.repeat(70)}end`;
    const store = new Store([{
        level: 'info', name: 'a', message: long, hostname: 'node1', 'x.y': 1, x: { y: 2 }, deep: { a: { b: { c: { d: 1 } } } },
        many: Object.fromEntries(Array.from({ length: 250 }, (_, i) => [`k${i}`, i])),
    }]);
    const other = await Server.start(store);
    const page = await open(browser, other, '/?q=host:node1');
    await counted(page, '1 record');
    await page.click('.rows .row:nth-child(1)');
    await page.click('[aria-label="Filter for hostname node1"]');
    assert.equal(await page.inputValue('#q'), 'host:node1');
    assert.equal(await page.locator('[aria-label="Filter for x.y 1"], [aria-label="Filter for x.y 2"]').count(), 0);
    assert.equal(await page.locator('[aria-label^="Filter out lineno"], [aria-label^="Filter for pathname"]').count(), 0);
    await page.click('[aria-label="Filter for this message"]');
    await answered(page, 2);
    await counted(page, '1 record');
    assert.match(await page.inputValue('#q'), /^host:node1 "(länge ?){50}"$/);
    await page.locator('.extras summary', { hasText: '250 fields' }).click();
    await page.click('text=Show all 250');
    await page.waitForSelector('.extras dt:text-is("k249")');
    await page.close();
    await other.stop();
    store.remove();
});

test('Home and End mark the first and the last record', async () => {
    const page = await open(browser, server);
    await counted(page, '120 records');
    const marked = (text) => until(page, (wanted) => document.querySelector('.row[aria-selected="true"] .text')?.textContent === wanted, text);
    await page.focus('#list');
    await page.keyboard.press('End');
    await marked('request 0 done');
    await page.keyboard.press('Home');
    await marked('request 119 failed');
    await page.close();
});
