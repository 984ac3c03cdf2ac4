// What the search text found is marked, in rows and in the record; rows say what they leave out.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { counted, launch, open, search, Server, Store, until } from './support.mjs';

let browser, store, server;
before(async () => {
    const at = (second) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
    store = new Store([
        { created: at(1), level: 'error', name: 'pipe.transform.join', message: 'Timeout of the timeouts', hostname: 'a', text: 'a Timeout, nested', inner: { deep: 'timeout' } },
        { created: at(2), level: 'error', name: 'pipe.transform.json', message: 'job failed\nfor all', exc_text: 'Traceback (most recent call last):\nTimeoutError: connection\t reset' },
        { created: at(3), level: 'info', name: 'worker', message: 'took 25 ms, connection  reset; x.y\\z' },
        { created: at(4), level: 'info', name: 'worker', message: `${'a'.repeat(900)} plain` },
    ]);
    [browser, server] = [await launch(), await Server.start(store)];
});
after(async () => {
    await browser.close();
    await server.stop();
    store.remove();
});

// The texts that are marked in what is seen inside of this.
const marked = (page, selector) => page.evaluate((within) => [...CSS.highlights.get('match')]
    .filter(({ startContainer }) => startContainer.isConnected && startContainer.parentElement.closest(within)?.checkVisibility())
    .map(({ startContainer, startOffset, endOffset }) => startContainer.data.slice(startOffset, endOffset)), selector);

async function marksOf(page, q, selector = '.rows .row') {
    await search(page, q);
    await page.evaluate(() => new Promise((resolve) => { requestAnimationFrame(() => requestAnimationFrame(resolve)); }));
    return marked(page, selector);
}

test('words, phrases, beginnings and regular expressions are marked in the rows', async () => {
    const page = await open(browser, server);
    await counted(page, '4 records');
    assert.deepEqual(await marked(page, 'body'), []);
    assert.deepEqual(await marksOf(page, 'timeout'), ['Timeout']);
    assert.deepEqual(await marksOf(page, 'timeout* level:error host:a'), ['Timeout', 'timeout']);
    assert.deepEqual(await marksOf(page, '"CONNECTION reset" worker -name:pipe'), []);
    assert.deepEqual(await marksOf(page, '"CONNECTION reset" -name:pipe'), ['connection  reset']);
    assert.deepEqual(await marksOf(page, '"x.y\\\\z"'), ['x.y\\z']);
    assert.deepEqual(await marksOf(page, '/TOOK [0-9]+\\ ms/i'), ['took 25 ms']);
    assert.deepEqual(await marksOf(page, '/(?P<all>took)/'), [], 'JavaScript does not read it');
    assert.deepEqual(await marksOf(page, '/(a+)+ plain/'), [], 'it could take forever');
    assert.deepEqual(await marksOf(page, ''), []);
    await page.close();
});

test('a word that only the traceback or a further line has is marked where the row says what it leaves out', async () => {
    const page = await open(browser, server);
    assert.deepEqual(await marksOf(page, 'timeouterror job'), ['traceback', 'job']);
    assert.deepEqual(await marksOf(page, '"for all"'), ['+1 line']);
    await page.close();
});

test('and in the record: message, traceback and extra fields, also those that are unfolded', async () => {
    const page = await open(browser, server, '/?q=timeout');
    await counted(page, '1 record');
    await page.click('.rows .row');
    await until(page, () => CSS.highlights.get('match').size === 4);
    assert.deepEqual(await marked(page, '#detail'), ['Timeout', 'Timeout', 'timeout']);
    await page.click('#detail summary');
    await search(page, 'connection* "connection reset"');
    await page.click('.rows .row:nth-child(2)');
    await page.waitForSelector('#detail .trace');
    assert.deepEqual(await marked(page, '#detail'), ['connection', 'connection\t reset']);
    await page.close();
});

for (const colorScheme of ['light', 'dark']) {
    test(`a mark can be read in the ${colorScheme} theme`, async () => {
        const page = await open(browser, server, '/?q=timeout', { colorScheme });
        await counted(page, '1 record');
        const ratio = await page.evaluate(() => {
            const { color, backgroundColor } = getComputedStyle(document.querySelector('.rows .text'), '::highlight(match)');
            const light = (rgb) => rgb.match(/[\d.]+/g).slice(0, 3).map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
                .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0.05);
            const [a, b] = [light(color), light(backgroundColor)];
            return backgroundColor === 'rgba(0, 0, 0, 0)' ? 0 : Math.max(a, b) / Math.min(a, b);
        });
        assert.ok(ratio >= 4.5, `${ratio}`);
        await page.close();
    });
}

test('a browser that cannot mark shows all else', async () => {
    const page = await open(browser, server, null);
    await page.addInitScript(() => { delete globalThis.Highlight; });
    await page.goto(`${server.url}/?q=timeout&id=1`);
    await counted(page, '1 record');
    await page.waitForSelector('#detail pre.said');
    assert.equal(await page.evaluate(() => CSS.highlights.size), 0);
    await page.close();
});

test('an expression that JavaScript would try for minutes holds nothing up', async () => {
    const page = await open(browser, server);
    await counted(page, '4 records');
    const began = Date.now();
    await marksOf(page, '/a*a*a*a*a*b?.*plain/');
    await counted(page, '1 record');
    assert.ok(Date.now() - began < 15_000, `${Date.now() - began} ms`);
    await page.close();
});

test('beside an open record rows still say what they leave out, and a logger keeps its end', async () => {
    const page = await open(browser, server, '/?q=level:error');
    await counted(page, '2 records');
    await page.click('.rows .row');
    await page.waitForSelector('#detail:not([hidden])');
    const first = page.locator('.rows .row').first();
    assert.equal(await first.locator('.more').innerText(), '+1 line, traceback');
    assert.ok(await first.locator('.more').isVisible());
    const cell = first.locator('.logger');
    assert.equal(await cell.getAttribute('title'), 'pipe.transform.json');
    assert.ok(await cell.locator('.path').evaluate((path) => path.scrollWidth > path.clientWidth), 'it is cut there');
    assert.ok(await cell.locator('.leaf').evaluate((leaf) => leaf.textContent === '.json' && leaf.scrollWidth <= leaf.clientWidth), 'and not there');
    await page.close();
});
