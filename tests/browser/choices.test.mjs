// What is chosen beside the search text: levels, loggers, hosts, times, and values that a line cannot hold.

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

const asked = (page) => page.inputValue('#q');

test('a level is chosen and given up by clicks on its chip', async () => {
    const page = await open(browser, server);
    await counted(page, '300 records');
    const chip = page.locator('#levels .chip.error');
    assert.equal(await chip.getAttribute('aria-pressed'), 'false');
    await chip.click();
    await counted(page, '30 records');
    assert.equal(await asked(page), 'level:error');
    assert.equal(await chip.getAttribute('aria-pressed'), 'true');
    await page.click('#levels .chip.warning');
    await counted(page, '90 records');
    assert.equal(await chip.getAttribute('aria-pressed'), 'false');
    await search(page, 'level:>=error done');
    assert.equal(await chip.getAttribute('aria-pressed'), 'true');
    await chip.click();
    assert.equal(await asked(page), 'done');
    await page.close();
});

test('a host is chosen with the keyboard, which stays there', async () => {
    const page = await open(browser, server);
    await counted(page, '300 records');
    await page.locator('#hosts button', { hasText: 'node1' }).focus();
    await page.keyboard.press('Enter');
    await counted(page, '150 records');
    await until(page, () => document.querySelector('#hosts button[aria-pressed=true]'));
    assert.match(await page.evaluate(() => document.activeElement.textContent), /^node1/);
    await page.keyboard.press('Enter');
    await counted(page, '300 records');
    assert.equal(await asked(page), '');
    await page.close();
});

test('from one host to another, and both with Ctrl', async () => {
    const page = await open(browser, server, '/?q=level:error host:node1');
    await counted(page, '30 records');
    await page.locator('#hosts button', { hasText: 'node1' }).waitFor();
    assert.deepEqual(await page.locator('#hosts .label').allInnerTexts(), ['node1'], 'only it has errors');
    await search(page, 'host:node1');
    const other = page.locator('#hosts button', { hasText: 'node0' });
    await other.waitFor();
    assert.match(await other.getAttribute('title'), /click: as one of several/);
    await other.click();
    await counted(page, '150 records');
    assert.equal(await asked(page), 'host:node0');
    await page.locator('#hosts button', { hasText: 'node1' }).click({ modifiers: ['Control'] });
    await counted(page, '300 records');
    assert.equal(await asked(page), 'host:node0 host:node1');
    await until(page, () => document.querySelectorAll('#hosts [aria-pressed=true]').length === 2);
    await other.click({ modifiers: ['Control'] });
    await counted(page, '150 records');
    assert.equal(await asked(page), 'host:node1');
    await other.focus();
    await page.keyboard.press('Control+Space');
    await counted(page, '300 records');
    assert.equal(await asked(page), 'host:node1 host:node0');
    await page.close();
});

test('several loggers are alternatives, and one of them alone with a click', async () => {
    const page = await open(browser, server);
    await page.click('#loggers [data-name="shop.db"] .label');
    await counted(page, '120 records');
    await page.click('#loggers [data-name="worker"] .label', { modifiers: ['Control'] });
    await counted(page, '180 records');
    assert.equal(await asked(page), 'name:shop.db name:worker');
    await until(page, () => document.querySelectorAll('#loggers [aria-selected=true]').length === 2);
    await page.focus('#loggers [data-name="worker"]');
    await page.keyboard.press('Control+Enter');
    await counted(page, '120 records');
    await page.keyboard.press('Control+Enter');
    await counted(page, '180 records');
    await page.keyboard.press('Enter');
    await counted(page, '60 records');
    assert.equal(await asked(page), 'name:worker');
    await page.close();
});

test('a range takes the place of the times in the text, which the button tells of', async () => {
    const page = await open(browser, server, '/?q=since:-1h%20done');
    await counted(page, '270 records');
    assert.equal(await page.textContent('#range-text'), 'As searched');
    await page.click('#range');
    assert.equal(await page.inputValue('#since'), '-1h');
    await page.click('#ranges button:text-is("Last 7 days")');
    await until(page, () => document.getElementById('range-text').textContent === 'Last 7 days');
    assert.equal(await asked(page), 'done');
    await search(page, 'until:today done');
    assert.equal(await page.textContent('#range-text'), 'Last 7 days, as searched');
    await page.click('#range-reset');
    await counted(page, '270 records');
    assert.equal(await asked(page), 'done');
    assert.equal(await page.textContent('#range-text'), 'All time');
    assert.equal(await page.isVisible('#range-reset'), false);
    await search(page, 'since:-1h done');
    await until(page, () => document.getElementById('bars').getAttribute('aria-label').startsWith('Histogram of 270'));
    await page.locator('[role=slider]').first().focus();
    await page.keyboard.press('Shift+ArrowRight');
    await page.keyboard.press('Enter');
    await until(page, () => location.search.includes('until='));
    assert.equal(await asked(page), 'done');
    await page.close();
});

test('a value with line breaks and other control characters is filtered for, and stays so with the next Enter', async () => {
    const odd = 'l1\nl2\t"q" \\n (a.b)* \u0001\r';
    const store = new Store([{ level: 'info', name: 'a', message: 'one\rmore', odd, other: 'l1\nl2' }, { level: 'info', name: 'a', message: 'two', odd: `${odd} `, other: 'l1\nl2x' }]);
    const server = await Server.start(store);
    const page = await open(browser, server);
    await counted(page, '2 records');
    await page.locator('.rows .row', { hasText: 'one' }).click();
    await page.click('[aria-label^="Filter for other"]');
    await counted(page, '1 record');
    assert.equal(await asked(page), 'other~"^l1\\nl2$"');
    await page.click('[aria-label^="Filter for odd"]');
    await until(page, () => document.getElementById('q').value.includes(' odd~'));
    await page.click('[aria-label="Filter for this message"]');
    await until(page, () => document.getElementById('q').value.endsWith(' "one"'));
    await search(page, `${await asked(page)} level:info`);
    await counted(page, '1 record');
    await page.close();
    await server.stop();
    store.remove();
});

test('the badge of a record stands in line with its title', async () => {
    const page = await open(browser, server);
    await counted(page, '300 records');
    await page.click('.rows .row');
    const middle = async (selector) => {
        const { y, height } = await page.locator(selector).boundingBox();
        return y + height / 2;
    };
    await page.waitForSelector('#detail-title .dim');
    const [badge, text] = [await middle('#detail-title .badge'), await middle('#detail-title .dim')];
    assert.ok(Math.abs(badge - text) < 1.5, `${badge} beside ${text}`);
    await page.close();
});
