// What the page says when the server is busy, too slow, or when it was too slow itself.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { counted, launch, messages, open, Server, shop, Store } from './support.mjs';

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
