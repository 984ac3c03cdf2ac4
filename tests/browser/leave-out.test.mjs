// Leaving out: the minus in a record's detail and at the names of the sidebar, by pointer, finger and keyboard.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { counted, launch, open, search, Server, shop, Store, until } from './support.mjs';

let browser, store, server;
before(async () => {
    store = new Store(shop(300));
    [browser, server] = [await launch(), await Server.start(store)];
});
after(async () => {
    await browser.close();
    await server.stop();
    store.remove();
});

test('every value of a record can be left out', async () => {
    const page = await open(browser, server);
    await counted(page, '300 records');
    await page.click('.rows .row:nth-child(1)');
    // The newest is number 299, an error of worker.
    for (const [label, term, left] of [
        ['levelname ERROR', '-level:=error', 270], ['hostname node1', '-host:node1', 150], ['process 4002', '-process:4002', 200],
        ['threadName MainThread', '-thread:MainThread', 0], ['user.id 5', '-user.id=5', 257], ['elapsed 29.9', '-elapsed=29.9', 299],
        ['this message', '-"request 299 failed"', 299],
    ]) {
        await page.click(`#detail [aria-label="Filter out ${label}"]`);
        await counted(page, left === 0 ? 'No records match.' : `${left} records`);
        assert.equal(await page.inputValue('#q'), term);
        await page.click(`#detail [aria-label="Filter for ${label}"]`);
        await until(page, (text) => document.getElementById('q').value === text, term.slice(1));
        await search(page, '');
        await counted(page, '300 records');
    }
    await page.close();
});

test('what a record says of its place, its task and its traceback is asked for and left out', async () => {
    const record = { level: 'info', name: 'a', message: 'x', pathname: '/srv/jobs/a pipe.py', lineno: 70, funcName: 'work', taskName: 'Task-1' };
    const namesake = { level: 'info', name: 'b', message: 'y', pathname: '/srv/b.py', lineno: 7, logger: 'own' };
    const store = new Store([{ ...record, exc_text: 'KeyError: 7', stack_info: 'Stack' }, namesake]);
    const other = await Server.start(store);
    const page = await open(browser, other, '/?id=1');
    for (const [label, term] of [
        ['pathname /srv/jobs/a pipe.py', 'pathname="/srv/jobs/a pipe.py"'], ['filename a pipe.py', 'filename="a pipe.py"'],
        ['module a pipe', 'module="a pipe"'], ['lineno 70', 'lineno=70'], ['funcName work', 'funcName=work'],
        ['taskName Task-1', 'taskName=Task-1'], ['any traceback', 'has:exc_text'], ['any stack', 'has:stack_info'],
    ]) {
        await page.click(`#detail [aria-label="Filter for ${label}"]`);
        await until(page, (text) => document.getElementById('q').value === text, term);
        await counted(page, '1 record');
        assert.match(await page.textContent('.rows .row'), /x/);
        await page.click(`#detail [aria-label="Filter out ${label}"]`);
        await until(page, (text) => document.getElementById('q').value === text, `-${term}`);
        await counted(page, '1 record');
        assert.match(await page.textContent('.rows .row'), /y/);
        await search(page, '');
        await counted(page, '2 records');
    }
    await page.click('.rows .row:has-text("y")');
    await page.click('#detail [aria-label="Filter for logger own"]');
    await until(page, () => document.getElementById('q').value === 'extra.logger=own');
    await counted(page, '1 record');
    await page.close();
    await other.stop();
    store.remove();
});

test('loggers and hosts of the sidebar are left out, with the pointer and with the keyboard', async () => {
    const page = await open(browser, server);
    await counted(page, '300 records');
    await page.hover('#loggers [data-name="shop.db"]');
    await page.click('[aria-label="Filter out logger shop.db"]');
    await counted(page, '180 records');
    assert.equal(await page.inputValue('#q'), '-name:shop.db');
    await page.waitForSelector('#loggers [data-name="shop.db"]', { state: 'detached' });
    await page.focus('#loggers [data-name="shop"]');
    await page.keyboard.press('End');
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.ariaLabel), 'Filter out logger worker');
    await page.keyboard.press('Enter');
    await counted(page, '120 records');
    assert.equal(await page.inputValue('#q'), '-name:shop.db -name:worker');
    await page.waitForSelector('#loggers [data-name="worker"]', { state: 'detached' });
    // A second Enter must not leave out the next one.
    assert.equal(await page.evaluate(() => document.activeElement.dataset.name), 'shop');
    await search(page, 'host:node0');
    await page.focus('#hosts li button');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await until(page, () => document.getElementById('q').value === '-host:node0');
    await counted(page, '150 records');
    await until(page, () => document.activeElement.textContent.startsWith('node1'));
    await page.close();
});

test('what stands between slashes behind a minus is one term', async () => {
    const page = await open(browser, server, '/?q=-/request 1/ -host:node1');
    await counted(page, '95 records');
    await page.click('.rows .row:nth-child(1)');
    await page.click('#detail [aria-label="Filter for hostname node0"]');
    await counted(page, '95 records');
    assert.equal(await page.inputValue('#q'), '-/request 1/ -host:node1 host:node0');
    await page.close();
});

test('at 400 pixels, a finger leaves out what it touches', async () => {
    const page = await open(browser, server, '/', { viewport: { width: 400, height: 800 }, hasTouch: true, isMobile: true });
    await counted(page, '300 records');
    await page.tap('#names-open');
    for (const label of ['logger shop.api.orders', 'host node1']) {
        const box = await page.locator(`[aria-label="Filter out ${label}"]`).boundingBox();
        assert.ok(box.width >= 24 && box.height >= 24 && box.x >= 0 && box.x + box.width <= 400, JSON.stringify(box));
    }
    await page.tap('[aria-label="Filter out host node1"]');
    await counted(page, '150 records');
    await page.tap('[aria-label="Filter out logger shop.api.orders"]');
    await until(page, () => document.getElementById('q').value === '-host:node1 -name:shop.api.orders');
    await page.close();
});
