// Both themes, a narrow screen, and what axe-core finds on the main views.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { counted, judged, launch, open, Server, shop, Store, until } from './support.mjs';

let browser, store, server;
before(async () => {
    store = new Store([...shop(200), { level: 'critical', name: 'worker', message: 'out of memory' }, { level: 'debug', name: 'worker', message: 'tick' }]);
    [browser, server] = [await launch(), await Server.start(store)];
});
after(async () => {
    await browser.close();
    await server.stop();
    store.remove();
});

const background = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
const LIGHT = 'rgb(255, 255, 255)';

test('the theme is the system’s, until one is chosen', async () => {
    const page = await open(browser, server, '/', { colorScheme: 'dark' });
    await counted(page, '202 records');
    assert.notEqual(await background(page), LIGHT);
    await page.click('#theme');
    assert.equal(await background(page), LIGHT);
    await page.reload();
    assert.equal(await background(page), LIGHT);
    await page.click('#theme');
    assert.notEqual(await background(page), LIGHT);
    await page.close();
});

test('all is within reach at 400 pixels', async () => {
    const page = await open(browser, server, '/', { viewport: { width: 400, height: 800 }, hasTouch: true });
    await counted(page, '202 records');
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 400, `${wide} pixels wide`);
    for (const id of ['q', 'range', 'compare', 'live', 'download', 'help-open', 'names-open', 'order', 'plot', 'list']) {
        const box = await page.locator(`#${id}`).boundingBox();
        assert.ok(box && box.x >= 0 && box.x + box.width <= 400, `${id}: ${JSON.stringify(box)}`);
    }
    assert.equal(await page.isVisible('#names'), false);
    await page.click('#names-open');
    await page.click('#loggers [data-name="worker"] .label');
    await counted(page, '42 records');
    await page.click('#names-close');
    await page.tap('.rows .row:nth-child(2)');
    await page.waitForSelector('#detail:not([hidden])');
    const box = await page.locator('#detail').boundingBox();
    assert.equal(box.width, 400);
    await page.click('#detail-close');
    assert.equal(await page.isVisible('#detail'), false);
    await page.close();
});

for (const colorScheme of ['light', 'dark']) {
    test(`axe-core finds nothing serious in the ${colorScheme} theme`, async () => {
        const found = [];
        const page = await open(browser, server, '/?live=1&compare=1d', { colorScheme });
        const judge = async (view) => {
            // What waits for its answer is dimmed.
            await until(page, () => !document.querySelector('[aria-busy=true]'));
            found.push(...await judged(page, view));
        };
        await counted(page, '202 records');
        await page.waitForSelector('#other:not([hidden])');
        await judge('the list');
        await page.click('.rows .row:nth-child(3)');
        await page.waitForSelector('#detail pre.said');
        await page.click('.surroundings summary');
        await page.waitForSelector('.around li');
        await judge('a record');
        await page.fill('#q', 'name:');
        await page.waitForSelector('#choices li');
        await page.keyboard.press('ArrowDown');
        await judge('completion');
        await page.fill('#q', 'level:none');
        await page.keyboard.press('Enter');
        await page.waitForSelector('#q-error:not([hidden])');
        await judge('an error');
        await page.click('#range');
        await judge('the time range');
        await page.keyboard.press('Escape');
        await page.click('#help-open');
        await judge('help');
        await page.setViewportSize({ width: 400, height: 800 });
        await page.goto(`${server.url}/`);
        await counted(page, '202 records');
        await judge('narrow');
        assert.deepEqual(found, []);
        await page.close();
    });
}

test('the token’s form is sound, too', async () => {
    const own = new Store(shop(1));
    const guarded = await Server.start(own, ['--token-file', own.file('tokens', 'open-sesame\n')]);
    const page = await open(browser, guarded);
    await page.waitForSelector('#session[open]');
    assert.deepEqual(await judged(page, 'the token'), []);
    await until(page, () => document.activeElement.id === 'token');
    await page.close();
    await guarded.stop();
    own.remove();
});

test('rows say the day and the year where they are not plain; what has no name is not asked for', async () => {
    const store = new Store([{ created: '2024-02-03T10:00:00Z', level: 'info', name: '.odd', message: 'old' },
        { created: '2024-02-01T10:00:00Z', level: 'info', name: 'a', message: 'older' }]);
    const other = await Server.start(store);
    const page = await open(browser, other, '/', { viewport: { width: 1200, height: 800 } });
    await counted(page, '2 records');
    await page.click('.rows .row:nth-child(1)');
    await until(page, () => document.body.classList.contains('with-year'));
    assert.equal(await page.locator('.rows .row:nth-child(1) .day').innerText(), '2024-02-03 ');
    const time = page.locator('.rows .row:nth-child(1) .time');
    assert.ok(await time.evaluate((cell) => cell.scrollWidth <= cell.clientWidth), 'it is not cut');
    await page.locator('.node[aria-disabled=true]', { hasText: '(no name)' }).click({ force: true });
    assert.equal(await page.inputValue('#q'), '');
    await page.close();
    await other.stop();
    store.remove();
});

test('a record alone is a narrow bar', async () => {
    const page = await open(browser, server, '/?q=%22request+17+done%22');
    await counted(page, '1 record');
    await until(page, () => document.getElementById('bars').getAttribute('aria-label').startsWith('Histogram of 1 records'));
    const part = await page.evaluate(() => document.querySelector('#bars .info').getBBox().width / document.getElementById('plot').clientWidth);
    assert.ok(part > 0 && part < 0.05, `${part}`);
    assert.equal(await page.textContent('#width'), '1 ms a bar');
    await page.close();
});
