// Search, its errors and its completion, the brush, filters from a record, links and the history.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { answered, counted, launch, messages, open, search, Server, shop, Store, until } from './support.mjs';

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

test('the newest records come first, with their count', async () => {
    const page = await open(browser, server);
    await counted(page, '300 records');
    assert.equal((await messages(page))[0], 'request 299 failed');
    assert.equal(await page.getAttribute('#list', 'aria-rowcount'), '301');
    await page.close();
});

test('a search shows what matches, with histogram and tree of the same filter', async () => {
    const page = await open(browser, server);
    await answered(page);
    await search(page, 'level:warning name:shop.db');
    await counted(page, '60 records');
    assert.equal((await messages(page))[0], 'request 298 done');
    await until(page, () => document.getElementById('bars').getAttribute('aria-label').startsWith('Histogram of 60 records'));
    await until(page, () => document.querySelector('#loggers [data-name="shop"] .count').textContent === '60 records');
    await search(page, '"request 42" done');
    await counted(page, '1 record');
    await page.close();
});

test('an error points into the text', async () => {
    const page = await open(browser, server);
    await answered(page);
    await page.fill('#q', 'done level:terrible');
    await page.press('#q', 'Enter');
    await page.waitForSelector('#q-error:not([hidden])');
    assert.match(await page.textContent('#q-error'), /terrible/);
    assert.match(await page.textContent('#mirror .wrong'), /terrible/);
    await page.click('#q-error button');
    const marked = await page.$eval('#q', (input) => input.value.slice(input.selectionStart, input.selectionEnd));
    assert.match(marked, /terrible/);
    await page.focus('#list');
    await page.keyboard.press('End');
    await until(page, () => [...document.querySelectorAll('.rows .text')].some((text) => text.textContent === 'request 0 done'));
    assert.equal(await page.isVisible('#q-error'), true, 'the answer before it is read on, the reason stays');
    await search(page, 'done level:info');
    assert.equal(await page.isVisible('#q-error'), false);
    await page.close();
});

test('a time that cannot be read is explained over the list', async () => {
    const page = await open(browser, server, '/?since=someday');
    await page.waitForSelector('#trouble:not([hidden])');
    assert.match(await page.textContent('#trouble'), /someday/);
    assert.deepEqual(await page.locator('#trouble button').allInnerTexts(), ['All time'], 'asking again is in vain');
    await page.click('#trouble button');
    await counted(page, '300 records');
    await page.close();
});

test('loggers, hosts, fields and keys are completed', async () => {
    const page = await open(browser, server);
    await page.waitForSelector('#loggers [data-name="shop"]');
    const offered = () => page.$$eval('#choices li span:first-child', (spans) => spans.map((span) => span.textContent));
    await page.fill('#q', 'name:sh');
    assert.deepEqual(await offered(), ['name:shop', 'name:shop.api', 'name:shop.api.orders', 'name:shop.db', 'name:shop.db.pool']);
    await page.press('#q', 'ArrowDown');
    await page.press('#q', 'ArrowDown');
    assert.equal(await page.getAttribute('#q', 'aria-activedescendant'), 'choice-1');
    await page.press('#q', 'Enter');
    assert.equal(await page.inputValue('#q'), 'name:shop.api ');
    await page.type('#q', 'host:');
    assert.deepEqual(await offered(), ['host:node0', 'host:node1']);
    await page.fill('#q', 'us');
    assert.ok((await offered()).includes('user.id='));
    await page.fill('#q', 'lev');
    assert.deepEqual(await offered(), ['level:', 'levelno=', 'levelname=']);
    await page.fill('#q', '-funcn');
    assert.deepEqual(await offered(), ['-funcName=']);
    await page.fill('#q', 'has:e');
    assert.deepEqual((await offered())[0], 'has:elapsed');
    assert.ok((await offered()).includes('has:exc_text'));
    await page.fill('#q', '-');
    assert.deepEqual(await offered(), ['-level:', '-name:', '-host:', '-process:', '-thread:', '-has:']);
    await page.type('#q', 'host:');
    assert.deepEqual(await offered(), ['-host:node0', '-host:node1']);
    await page.fill('#q', '-level:=');
    assert.deepEqual((await offered())[0], '-level:=debug');
    await page.fill('#q', '-orders');
    assert.deepEqual(await offered(), ['-name:shop.api.orders']);
    await page.press('#q', 'Tab');
    assert.equal(await page.inputValue('#q'), '-name:shop.api.orders ');
    await page.fill('#q', 'lev');
    await page.press('#q', 'Escape');
    assert.equal(await page.isVisible('#choices'), false);
    await page.close();
});

test('a part of the histogram is zoomed into with the pointer, and back', async () => {
    const page = await open(browser, server);
    await counted(page, '300 records');
    const { x, y, width, height } = await page.locator('#plot').boundingBox();
    await page.mouse.move(x + width * 0.25, y + height / 2);
    await page.mouse.down();
    await page.mouse.move(x + width * 0.5, y + height / 2, { steps: 5 });
    await page.mouse.up();
    await answered(page, 2);
    const total = await until(page, () => {
        const found = /^(\d+) records$/.exec(document.getElementById('count').textContent);
        return found && Number(found[1]) < 300 ? Number(found[1]) : false;
    });
    assert.ok(await total.jsonValue() > 40);
    assert.match(page.url(), /since=.*until=/);
    const said = await page.getAttribute('#bars', 'aria-label');
    assert.ok(said.startsWith(`Histogram of ${await total.jsonValue()} records`), said);
    await page.goBack();
    await counted(page, '300 records');
    await page.goForward();
    await counted(page, `${await total.jsonValue()} records`);
    await page.click('#range-reset');
    await counted(page, '300 records');
    await page.close();
});

test('the read-out of a bar does not outlive the bar', async () => {
    const page = await open(browser, server);
    await counted(page, '300 records');
    const { x, y, width, height } = await page.locator('#plot').boundingBox();
    await page.mouse.move(x + width * 0.25, y + height / 2);
    await until(page, () => document.getElementById('hover').textContent !== '');
    await page.mouse.down();
    await page.mouse.up();
    await answered(page, 2);
    await until(page, () => document.getElementById('hover').textContent === '');
    await page.close();
});

test('and with the keys', async () => {
    const page = await open(browser, server);
    await counted(page, '300 records');
    const start = page.locator('[role=slider]').first();
    await start.focus();
    for (let i = 0; i < 3; i += 1) await page.keyboard.press('Shift+ArrowRight');
    assert.equal(await start.getAttribute('aria-valuenow'), '30');
    await page.keyboard.press('Enter');
    await answered(page, 2);
    assert.match(page.url(), /since=/);
    await page.close();
});

test('filter for and filter out, from a record', async () => {
    const page = await open(browser, server);
    await counted(page, '300 records');
    await page.click('.rows .row:nth-child(1)');
    await page.click('[aria-label="Filter out name worker"]');
    assert.equal(await page.inputValue('#q'), '-name:worker');
    await counted(page, '240 records');
    await page.click('[aria-label="Filter for levelname ERROR"]');
    await page.waitForFunction(() => document.getElementById('count').textContent !== '240 records');
    assert.equal(await page.inputValue('#q'), '-name:worker level:=error');
    await search(page, '');
    await page.click('[aria-label^="Filter for user.id"]');
    await page.waitForFunction(() => /user\.id=\d/.test(document.getElementById('q').value));
    await counted(page, '43 records');
    await page.click('[aria-label^="Filter for hostname"]');
    await until(page, () => /host:node\d/.test(document.getElementById('q').value));
    await page.close();
});

test('a logger of the tree and a level of the histogram filter, and the tree folds', async () => {
    const page = await open(browser, server);
    await page.click('#loggers [data-name="shop.db"] .label');
    await counted(page, '120 records');
    assert.equal(await page.inputValue('#q'), 'name:shop.db');
    assert.ok(await page.isVisible('#loggers [data-name="worker"]'), 'the other loggers stay');
    assert.match(await page.textContent('#loggers [data-name="worker"] .bad'), /30/);
    await page.click('#loggers [data-name="shop.db"] .label');
    await counted(page, '300 records');
    await page.click('#levels .chip.error');
    await counted(page, '30 records');
    await page.click('#loggers [data-name="worker"]');
    await page.keyboard.press('ArrowUp');
    await page.focus('#loggers [data-name="worker"]');
    await page.close();
});

test('a link shows the same view, and the history goes back', async () => {
    const page = await open(browser, server);
    await counted(page, '300 records');
    await search(page, 'level:error');
    await counted(page, '30 records');
    await page.click('#order');
    await answered(page, 3);
    await page.click('.rows .row:nth-child(2)');
    await page.waitForSelector('#detail:not([hidden])');
    const other = await open(browser, server, new URL(page.url()).search);
    await counted(other, '30 records');
    await other.waitForSelector('#detail:not([hidden])');
    assert.equal((await messages(other))[0], 'request 9 failed');
    assert.equal(await other.textContent('#detail-title'), await page.textContent('#detail-title'));
    await other.close();
    await page.goBack();
    await page.waitForSelector('#detail', { state: 'hidden' });
    await page.goBack();
    await page.goBack();
    await counted(page, '300 records');
    assert.equal(await page.inputValue('#q'), '');
    await page.close();
});

test('another time range is compared', async () => {
    const page = await open(browser, server, '/?since=-1h&compare=before');
    await page.waitForSelector('#other:not([hidden])');
    assert.match(await page.textContent('#other-title'), /The period before: \d+ records; now \d+/);
    await page.click('#compare');
    await page.click('#comparisons button:nth-child(1)');
    await page.waitForSelector('#other', { state: 'hidden' });
    assert.ok(!page.url().includes('compare'));
    await page.close();
});

test('no difference has no sign', async () => {
    const other = new Store([...shop(30, Date.UTC(2026, 0, 1, 12, 0, 29)), ...shop(30, Date.UTC(2026, 0, 1, 13, 0, 29))]);
    const same = await Server.start(other);
    const page = await open(browser, same, '/?since=2026-01-01T13:00:00Z&until=2026-01-01T13:00:59Z&compare=1h');
    await until(page, () => document.getElementById('other-title').textContent === 'An hour earlier: 30 records; now 30 (0 %)');
    await page.close();
    await same.stop();
    other.remove();
});

test('the answer can be downloaded in each form', async () => {
    for (const [place, ending] of [[1, 'jsonl'], [2, 'csv'], [3, 'sqlite']]) {
        // Chromium holds back a page's second download in a row.
        const page = await open(browser, server, '/?q=level%3Aerror');
        await counted(page, '30 records');
        await page.click('#download');
        const [download] = await Promise.all([page.waitForEvent('download'), page.click(`#downloads a:nth-child(${place})`)]);
        assert.match(download.suggestedFilename(), new RegExp(`\\.${ending}$`));
        const text = readFileSync(await download.path(), 'latin1');
        if (ending === 'sqlite') assert.ok(text.startsWith('SQLite format 3'));
        else assert.equal(text.trimEnd().split('\n').filter((line) => line.includes('request')).length, 30);
        await page.close();
    }
});

test('a range of time keeps its digits, and one that cannot be read stays open', async () => {
    const since = '2026-11-20T10:00:00.123456789Z';
    const page = await open(browser, server, `/?since=${since}`);
    await answered(page);
    await page.click('#range');
    assert.equal(await page.inputValue('#since'), '2026-11-20 15:30:00.123456789');
    await page.click('#range-form [type=submit]');
    await page.waitForSelector('#range-menu', { state: 'hidden' });
    assert.equal(new URL(page.url()).searchParams.get('since'), since);
    await page.click('#range');
    await page.fill('#until', 'whenever');
    await page.click('#range-form [type=submit]');
    await page.waitForSelector('#until[aria-invalid=true]');
    assert.match(await page.textContent('#range-trouble'), /cannot read "whenever" as a time/);
    assert.equal(await page.isVisible('#range-menu'), true);
    await page.close();
});

test('what is compared is as long as what is shown, or says why it is not there', async () => {
    const page = await open(browser, server, null);
    const asked = [];
    page.on('request', (request) => {
        const { pathname, searchParams } = new URL(request.url());
        if (pathname === '/api/histogram') asked.push(searchParams);
    });
    const title = (text) => until(page, (wanted) => document.getElementById('other-title').textContent.includes(wanted), text);
    await page.goto(`${server.url}/?since=2026-11-20T10:00:00Z&until=2026-11-20T10:00:07.5Z&compare=before`);
    await title('The period before: ');
    assert.equal(asked[1].get('since'), '2026-11-20T09:59:52.499999999Z');
    assert.equal(asked[1].get('until'), '2026-11-20T09:59:59.999999999Z');
    for (const [search, text] of [['?compare=before', 'nothing is before all time'], ['?compare=soon', '“soon” is no time'],
        ['?compare=999999w', 'outside of the years']]) {
        await page.goto(server.url + search);
        await title(text);
        assert.equal(await page.isVisible('#other-plot'), false);
    }
    await page.click('#compare');
    await page.fill('#compare-from', 'soon');
    await page.press('#compare-from', 'Enter');
    await page.waitForSelector('#compare-from[aria-invalid=true]');
    await page.close();
});
