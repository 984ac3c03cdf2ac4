// A million records: the document stays small, the list goes anywhere, a filter answers.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { counted, launch, logstore, messages, open, search, Server, Store, until } from './support.mjs';

const MILLION = 1_000_000;
const START = Date.UTC(2026, 10, 22);
const MOST_ELEMENTS = 1500;

let browser, store, server;
before(async () => {
    store = new Store();
    const size = 100_000;
    for (let from = 0; from < MILLION; from += size) {
        const lines = Array.from({ length: size }, (_, at) => {
            const i = from + at;
            const level = i % 1000 === 0 ? 'error' : 'info';
            return `{"created":"${new Date(START + i * 10).toISOString()}","level":"${level}","name":"m.n${i % 20}","message":"record ${i}","hostname":"h${i % 3}"}`;
        });
        logstore(['send', '--json', '--db', store.db], lines.join('\n'));
    }
    [browser, server] = [await launch(), await Server.start(store)];
});
after(async () => {
    await browser.close();
    await server.stop();
    store.remove();
});

const number = (text) => Number(/\d+/.exec(text)[0]);
const elements = (page) => page.evaluate(() => document.querySelectorAll('*').length);
const drawn = (page) => until(page, () => [...document.querySelectorAll('.rows .row:not([hidden])')].every((row) => !row.classList.contains('waiting')));

test('a million records are scrolled through, to both ends and anywhere between', async () => {
    const page = await open(browser, server);
    await counted(page, '1,000,000 records');
    assert.equal(await page.getAttribute('#list', 'aria-rowcount'), '1000001');
    assert.equal((await messages(page))[0], 'record 999999');
    await page.mouse.move(700, 600);
    for (let i = 0; i < 20; i += 1) {
        await page.mouse.wheel(0, 2000);
        await page.evaluate(() => new Promise(requestAnimationFrame));
    }
    await until(page, () => Number(document.querySelector('.rows .row').getAttribute('aria-rowindex')) > 1000);
    await drawn(page);
    // What is seen is without a gap, newest first, and at the row that it says.
    const rows = await page.$$eval('.rows .row:not([hidden])', (all) => all.map((row) => [Number(row.getAttribute('aria-rowindex')), row.querySelector('.text').textContent]));
    for (const [index, text] of rows) assert.equal(number(text), 999_999 - (index - 2));
    assert.ok(await elements(page) < MOST_ELEMENTS);

    await page.$eval('#list', (list) => { list.scrollTop = list.scrollHeight / 2; });
    await until(page, () => Math.abs(Number(/\d+/.exec(document.querySelector('.rows .row .text').textContent)?.[0]) - 500_000) < 20_000);
    await drawn(page);
    const middle = (await messages(page)).map(number);
    assert.ok(middle.every((each, place) => place === 0 || middle[place - 1] - each === 1), String(middle));

    await page.focus('#list');
    await page.keyboard.press('End');
    await until(page, () => [...document.querySelectorAll('.rows .row:not([hidden]) .text')].some((text) => text.textContent === 'record 0'));
    await page.keyboard.press('Home');
    await until(page, () => document.querySelector('.rows .row .text').textContent === 'record 999999');
    assert.ok(await elements(page) < MOST_ELEMENTS);
    await page.close();
});

test('a filter over a million records answers', async () => {
    const page = await open(browser, server);
    await counted(page, '1,000,000 records');
    await search(page, 'level:error name:m.n0');
    await counted(page, '1,000 records');
    await search(page, '"record 123456"');
    await counted(page, '1 record');
    assert.deepEqual(await messages(page), ['record 123456']);
    await page.close();
});

test('from the middle the list is scrolled up to the very top', async () => {
    const page = await open(browser, server, '/?q=level:error');
    await counted(page, '1,000 records');
    await page.$eval('#list', (list) => { list.scrollTop = 500 * 24; });
    await until(page, () => /\d/.test(document.querySelector('.rows .row .text').textContent));
    await page.$eval('#list', (list) => { list.scrollTop = 0; });
    await until(page, () => document.querySelector('.rows .row .text').textContent === 'record 999000');
    assert.equal(await page.$eval('.rows .row', (row) => row.getAttribute('aria-rowindex')), '2');
    await page.close();
});
