// What the page says when the server is busy, too slow, or when it was too slow itself.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { counted, launch, messages, open, search, Server, shop, Store, until } from './support.mjs';

let browser, store, server;
before(async () => {
    store = new Store(shop(60));
    [browser, server] = [await launch(), await Server.start(store)];
});
after(async () => {
    await browser.close();
    await server.stop();
    store.remove();
});

const problem = (status, detail, headers = {}) => ({
    status, headers, contentType: 'application/problem+json', body: JSON.stringify({ type: 'about:blank', title: 'Trouble', status, detail }),
});

// The first request to a path gets this answer, all others the server's.
async function once(page, path, answer) {
    let isFirst = true;
    await page.route((url) => url.pathname === path, (route) => {
        if (!isFirst) return route.continue();
        isFirst = false;
        return route.fulfill(answer);
    });
}

test('a busy server is asked again', async () => {
    const page = await open(browser, server, null);
    await once(page, '/api/records', problem(503, 'too many questions', { 'Retry-After': '1' }));
    await page.goto(server.url);
    await page.waitForSelector('.note');
    assert.match(await page.textContent('#notes'), /busy/);
    await counted(page, '60 records');
    await page.close();
});

test('a question that took too long can be asked again', async () => {
    const page = await open(browser, server, null);
    await once(page, '/api/records', problem(504, 'no answer within 30 s; a shorter time range is quicker'));
    await page.goto(server.url);
    await page.waitForSelector('#trouble:not([hidden])');
    assert.match(await page.textContent('#trouble'), /^no answer within 30 s; a shorter time range is quicker/);
    await page.click('#trouble button');
    await counted(page, '60 records');
    assert.equal(await page.isVisible('#trouble'), false);
    await page.close();
});

test('an answer that is no problem document is told by its status', async () => {
    const page = await open(browser, server, null);
    await once(page, '/api/records', { status: 502, contentType: 'text/html', body: '<h1>Bad Gateway</h1>' });
    await page.goto(server.url);
    await page.waitForSelector('#trouble:not([hidden])');
    assert.match(await page.textContent('#trouble'), /502|Bad Gateway/);
    await page.close();
});

test('a page that was too slow is told, and reads on where it was left', async () => {
    const page = await open(browser, server, null);
    await once(page, '/api/stream', {
        status: 200, contentType: 'text/event-stream',
        body: 'event: open\ndata: {"last_id":60}\n\nevent: behind\ndata: {"missed_from":51,"resume_after":50,"detail":"too slow"}\n\n',
    });
    await page.goto(`${server.url}/?live=1`);
    await page.waitForSelector('.note');
    assert.match(await page.textContent('#notes'), /reads on where it was left/);
    const resumed = await page.waitForRequest((request) => request.headers()['last-event-id'] === '50');
    assert.ok(resumed);
    await server.pythonEnds('live', 'log.info("after all")');
    await counted(page, '61 records');
    assert.equal((await messages(page))[0], 'after all');
    await page.close();
});

test('what is shown belongs to what is asked: a histogram that does not come says so beside the rows', async () => {
    const page = await open(browser, server);
    await counted(page, '61 records');
    await once(page, '/api/histogram', problem(504, 'no answer within 30 s'));
    await search(page, 'level:info');
    await page.waitForSelector('#chart-trouble:not([hidden])');
    assert.match(await page.textContent('#chart-trouble'), /^No histogram: no answer within 30 s/);
    await counted(page, '61 records');
    assert.equal(await page.isVisible('#trouble'), false);
    assert.equal(await page.textContent('#levels .chip.error b'), '');
    await search(page, 'level:error');
    await counted(page, '6 records');
    assert.equal(await page.isVisible('#chart-trouble'), false);
    await page.close();
});

test('a search that cannot be read leaves the answer before it, dimmed, with the reason at the search', async () => {
    const page = await open(browser, server, '/?q=level:error');
    await counted(page, '6 records');
    await until(page, () => document.querySelector('#levels .chip.error b').textContent === '6');
    const rows = await messages(page);
    await page.fill('#q', 'level:loud');
    await page.press('#q', 'Enter');
    await page.waitForSelector('#q-error:not([hidden])');
    await counted(page, 'The search text cannot be read.');
    await until(page, () => document.querySelectorAll('.stale').length === 3 && !document.querySelector('.stale[aria-busy]'));
    assert.deepEqual(await messages(page), rows);
    assert.equal(await page.textContent('#levels .chip.error b'), '6');
    assert.ok(await page.isVisible('#loggers [data-name="worker"]'));
    await page.click('.rows .row');
    await page.waitForSelector('#detail pre.said');
    assert.match(await page.textContent('#q-error'), /loud/, 'the reason stays');
    await page.click('#detail-close');
    await search(page, 'level:error');
    assert.equal(await page.isVisible('#q-error'), false);
    await until(page, () => !document.querySelector('.stale'));
    await page.goto(`${server.url}/?q=level:loud`);
    await counted(page, 'The search text cannot be read.');
    await until(page, () => !document.querySelector('[aria-busy]'));
    assert.equal(await page.isVisible('#loggers-none'), false, 'that there are none is not known');
    await page.close();
});

test('where no answer comes, less time is offered, and no part says that there is nothing', async () => {
    const page = await open(browser, server, null);
    const slow = problem(504, 'no answer within 30 s');
    for (const path of ['records', 'histogram', 'names']) await once(page, `/api/${path}`, slow);
    await page.goto(server.url);
    await page.waitForSelector('#names-trouble:not([hidden])');
    assert.equal(await page.isVisible('#loggers-none'), false);
    await page.click('#trouble button:text-is("Last hour")');
    await counted(page, '61 records');
    assert.equal(new URL(page.url()).search, '?since=-1h');
    assert.equal(await page.isVisible('#trouble'), false);
    await once(page, '/api/records', slow);
    await page.reload();
    await page.waitForSelector('#trouble:not([hidden])');
    assert.deepEqual(await page.locator('#trouble button').allInnerTexts(), ['Try again'], 'a range is chosen');
    await page.close();
});

test('a jump into a burst shows records, and so does the way back', async () => {
    const at = (ms) => new Date(Date.UTC(2026, 0, 1) + ms).toISOString();
    const record = (i) => ({ created: at(i < 3000 ? 59_900 : 60_000 + (i - 3000) * 15), level: 'info', name: 'a', message: `${i}` });
    const store = new Store(Array.from({ length: 6000 }, (_, i) => record(i)));
    const other = await Server.start(store);
    const page = await open(browser, other);
    await counted(page, '6,000 records');
    const isFull = () => [...document.querySelectorAll('.rows .row:not([hidden]) .text')].every((text) => text.textContent !== '')
        && document.querySelectorAll('.rows .row:not([hidden])').length > 5;
    await page.evaluate(() => {
        const list = document.getElementById('list');
        list.scrollTop = list.scrollHeight * 0.7;
    });
    await until(page, () => document.querySelector('.rows .row:not([hidden]) .text').textContent !== '5999');
    await until(page, isFull);
    await page.evaluate(() => { document.getElementById('list').scrollTop = 0; });
    await until(page, () => document.querySelector('.rows .row:not([hidden]) .text').textContent === '5999');
    await until(page, isFull);
    await page.close();
    await other.stop();
    store.remove();
});

test('an empty store says how to send a first record', async () => {
    const store = new Store();
    const other = await Server.start(store);
    const page = await open(browser, other);
    await counted(page, 'No records yet.');
    assert.match(await page.textContent('#no-records pre'), new RegExp(`^curl -d .* ${other.url}/ingest$`));
    await page.close();
    await other.stop();
    store.remove();
});
