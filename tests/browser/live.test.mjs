// The live tail, while Python logs and while the server goes away and comes back.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { counted, launch, messages, open, search, Server, shop, Store, until } from './support.mjs';

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

async function withServer(records, work) {
    const store = new Store(records);
    const server = await Server.start(store);
    try {
        await work(server, store);
    } finally {
        if (server.child.exitCode === null) await server.stop();
        store.remove();
    }
}

test('what Python logs appears at the top, and only what the filter wants', () => withServer(shop(50), async (server) => {
    const page = await open(browser, server, '/?live=1');
    await counted(page, '50 records');
    await server.pythonEnds('live', 'for i in range(20): log.warning("tick %d", i)');
    await counted(page, '70 records');
    assert.equal((await messages(page))[0], 'tick 19');
    await until(page, () => document.querySelector('#loggers [data-name="live"] .count')?.textContent === '20 records');
    await until(page, () => document.getElementById('bars').getAttribute('aria-label').startsWith('Histogram of 70 records'));
    await search(page, 'level:error');
    await counted(page, '5 records');
    await server.pythonEnds('live', 'log.warning("not wanted")', 'log.error("wanted")');
    await counted(page, '6 records');
    assert.equal((await messages(page))[0], 'wanted');
    await page.close();
}));

test('a pause counts what waits, and nothing of it is lost', () => withServer(shop(50), async (server) => {
    const page = await open(browser, server, '/?live=1');
    await counted(page, '50 records');
    await page.click('#pause');
    await server.pythonEnds('live', 'for i in range(7): log.info("held %d", i)');
    await until(page, () => /Paused, 7 waiting/.test(document.getElementById('live-state').textContent));
    assert.equal(await page.textContent('#count'), '50 records');
    await page.click('#pause');
    await counted(page, '57 records');
    assert.deepEqual((await messages(page)).slice(0, 2), ['held 6', 'held 5']);
    await page.close();
}));

test('who looks at older records is not disturbed, and can jump to the newest', () => withServer(shop(400), async (server) => {
    const page = await open(browser, server, '/?live=1');
    await counted(page, '400 records');
    await page.focus('#list');
    await page.keyboard.press('End');
    await until(page, () => [...document.querySelectorAll('.rows .text')].some((text) => text.textContent === 'request 0 done'));
    const before = await messages(page);
    await server.pythonEnds('live', 'for i in range(3): log.info("new %d", i)');
    await page.waitForSelector('#jump:not([hidden])');
    await until(page, () => document.getElementById('jump').textContent.startsWith('3 new'));
    assert.deepEqual(await messages(page), before);
    await page.click('#jump');
    await until(page, () => document.querySelector('.rows .row .text').textContent === 'new 2');
    await counted(page, '403 records');
    await page.close();
}));

test('the oldest first: what comes is at the end', () => withServer(shop(80), async (server) => {
    const page = await open(browser, server, '/?live=1&order=oldest');
    await counted(page, '80 records');
    assert.equal((await messages(page))[0], 'request 0 done');
    await page.focus('#list');
    await page.keyboard.press('End');
    await until(page, () => [...document.querySelectorAll('.rows .text')].some((text) => text.textContent === 'request 79 failed'));
    await server.pythonEnds('live', 'log.info("the last")');
    await until(page, () => [...document.querySelectorAll('.rows .row:not([hidden]) .text')].some((text) => text.textContent === 'the last'));
    await page.close();
}));

test('after a restart of the server it goes on without a gap, and says so', () => withServer(shop(20), async (server, store) => {
    const page = await open(browser, server, '/?live=1');
    await counted(page, '20 records');
    await server.pythonEnds('live', 'log.info("one")');
    await counted(page, '21 records');
    await server.stop();
    await page.waitForSelector('#trouble:not([hidden])');
    assert.match(await page.textContent('#trouble'), /cannot be reached/);
    store.add([{ level: 'info', name: 'gap', message: 'two' }]);
    const again = await Server.start(store, [], server.port);
    await page.waitForSelector('.note');
    assert.match(await page.textContent('#notes'), /Connected again/);
    assert.equal(await page.isVisible('#trouble'), false);
    await again.pythonEnds('live', 'log.info("three")');
    await counted(page, '23 records');
    assert.deepEqual((await messages(page)).slice(0, 3), ['three', 'two', 'one']);
    await again.stop();
    await page.close();
}));

test('without live, too: a question waits for the server', () => withServer(shop(20), async (server, store) => {
    const page = await open(browser, server);
    await counted(page, '20 records');
    await server.stop();
    await page.fill('#q', 'level:error');
    await page.press('#q', 'Enter');
    await page.waitForSelector('#trouble:not([hidden])');
    const again = await Server.start(store, [], server.port);
    await counted(page, '2 records');
    await again.stop();
    await page.close();
}));

test('what comes before the first answer is not lost', () => withServer(shop(50), async (server) => {
    const page = await open(browser, server, null);
    let isFirst = true;
    await page.route((url) => url.pathname === '/api/records', async (route) => {
        const response = await route.fetch();
        if (isFirst) {
            isFirst = false;
            await server.pythonEnds('live', 'for i in range(5): log.info("early %d", i)');
        }
        await route.fulfill({ response });
    });
    await page.goto(`${server.url}/?live=1`);
    await counted(page, '55 records');
    await server.pythonEnds('live', 'log.info("late")');
    await counted(page, '56 records');
    assert.deepEqual((await messages(page)).slice(0, 3), ['late', 'early 4', 'early 3']);
    await page.close();
}));

test('the line of live tells the truth', () => withServer(shop(20), async (server) => {
    const page = await open(browser, server, '/?live=1&until=2026-01-01');
    const says = (text) => until(page, (wanted) => document.getElementById('live-state').textContent.includes(wanted), text);
    await says('the time range has an end');
    await page.goto(`${server.url}/?live=1&order=oldest`);
    await says('at the end');
    await counted(page, '20 records');
    await server.stop();
    await says('Not live');
    await page.close();
}));

test('a file that was begun anew is shown from its beginning', () => withServer(shop(20), async (server, store) => {
    const page = await open(browser, server, '/?live=1');
    await counted(page, '20 records');
    await server.pythonEnds('live', 'log.info("of the old file")');
    await counted(page, '21 records');
    await server.stop();
    const other = new Store(shop(3));
    const again = await Server.start(other, [], server.port);
    await counted(page, '3 records');
    await again.pythonEnds('live', 'log.info("of the new file")');
    await counted(page, '4 records');
    assert.equal((await messages(page))[0], 'of the new file');
    await again.stop();
    await page.close();
    other.remove();
}));
