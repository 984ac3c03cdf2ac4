// The token: asked for once, wrong ones refused; what was logged is text wherever it is shown.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { counted, launch, messages, open, Server, shop, Store, until } from './support.mjs';

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

test('the token is asked for once', async () => {
    const store = new Store(shop(10));
    const server = await Server.start(store, ['--token-file', store.file('tokens', 'open-sesame\n')]);
    const page = await open(browser, server);
    await page.waitForSelector('#session[open]');
    assert.deepEqual(await messages(page), []);
    await page.fill('#token', 'wrong');
    await page.press('#token', 'Enter');
    await page.waitForSelector('#session-trouble:not([hidden])');
    assert.match(await page.textContent('#session-trouble'), /not one of the server/);
    await page.fill('#token', 'open-sesame');
    await page.click('#session [type=submit]');
    await counted(page, '10 records');
    await page.click('#live');
    await until(page, () => document.getElementById('live').getAttribute('aria-pressed') === 'true');
    await page.reload();
    await counted(page, '10 records');
    assert.equal(await page.isVisible('#session'), false);
    assert.equal(await page.evaluate(() => document.cookie), '', 'no script can read it');
    await page.click('#download');
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('#downloads a:nth-child(1)')]);
    assert.equal(await download.failure(), null);
    await page.close();
    await server.stop();
    store.remove();
});

test('Escape does not close the form for the token; who signs out is asked again', async () => {
    const store = new Store(shop(10));
    const server = await Server.start(store, ['--token-file', store.file('tokens', 'open-sesame\n')]);
    const page = await open(browser, server);
    await page.waitForSelector('#session[open]');
    for (let i = 0; i < 4; i += 1) {
        await page.keyboard.press('Escape');
        await until(page, () => document.getElementById('session').open);
    }
    await page.fill('#token', 'open-sesame');
    await page.press('#token', 'Enter');
    await counted(page, '10 records');
    await page.click('#sign-out');
    await page.waitForSelector('#session[open]');
    assert.equal(await page.isVisible('#sign-out'), false);
    await page.close();
    await server.stop();
    store.remove();
});

test('who signs out in one tab is asked again in the others', async () => {
    const store = new Store(shop(10));
    const server = await Server.start(store, ['--token-file', store.file('tokens', 'open-sesame\n')]);
    const page = await open(browser, server, '/?live=1');
    await page.fill('#token', 'open-sesame');
    await page.press('#token', 'Enter');
    await counted(page, '10 records');
    const other = await page.context().newPage();
    await other.goto(`${server.url}/?q=level:error`);
    await counted(other, '1 record');
    await other.click('#sign-out');
    for (const each of [page, other]) await each.waitForSelector('#session[open]');
    assert.deepEqual(await messages(page), []);
    await other.fill('#token', 'open-sesame');
    await other.press('#token', 'Enter');
    await counted(other, '1 record');
    await counted(page, '10 records');
    assert.ok(await page.isVisible('#sign-out'));
    await page.close();
    await server.stop();
    store.remove();
});

test('characters that would not be seen are', async () => {
    const store = new Store([{ level: 'info', name: 'a', message: 'user\u202egnp.exe \x1b[31mred\ttab', note: '\u2066x' }]);
    const server = await Server.start(store);
    const page = await open(browser, server);
    await counted(page, '1 record');
    const seen = 'user\\u202egnp.exe \\u001b[31mred\ttab';
    assert.deepEqual(await messages(page), [seen]);
    await page.click('.rows .row:nth-child(1)');
    assert.equal(await page.textContent('#detail pre.said'), seen);
    assert.match(await page.textContent('#detail .extras'), /\\u2066x/);
    await page.close();
    await server.stop();
    store.remove();
});

const ATTACKS = [
    '<script>alert(1)</script>', '<img src=x onerror=alert(1)>', '"><svg onload=alert(1)>', "'-alert(1)-'", 'javascript:alert(1)',
    '<iframe srcdoc="<script>parent.alert(1)</script>">', '</textarea><script>alert(1)</script>', '{{constructor.constructor("alert(1)")()}}',
];

test('an attack in any field is shown as the text that it is', async () => {
    const record = (attack, i) => ({
        created: new Date(Date.now() - i * 1000).toISOString(), level: 'error', levelname: attack, name: attack, message: attack, hostname: attack,
        processName: attack, threadName: attack, taskName: attack, pathname: attack, filename: attack, module: attack, funcName: attack,
        exc_text: attack, stack_info: attack, [attack]: attack, nested: { [attack]: [attack, { [attack]: attack }] },
    });
    const store = new Store(ATTACKS.map(record));
    const server = await Server.start(store);
    const page = await open(browser, server, '/?live=1');
    await counted(page, `${ATTACKS.length} records`);
    assert.deepEqual(await messages(page), ATTACKS);
    await page.click('.rows .row:nth-child(1)');
    for (const attack of ATTACKS) {
        await until(page, (text) => document.querySelector('#detail pre.said')?.textContent === text, attack);
        assert.equal(await page.textContent('#detail pre.trace'), attack);
        await page.click('.surroundings summary');
        await page.waitForSelector('.around li, .around p');
        await page.keyboard.press('j');
    }
    // The same by links, by completion, by a filter, and from the tail.
    await page.locator('#hosts button').first().click();
    await until(page, () => document.getElementById('q').value.startsWith('host:'));
    await page.goto(`${server.url}/?${new URLSearchParams({ q: ATTACKS[0], since: ATTACKS[1], compare: ATTACKS[2], id: ATTACKS[3] })}`);
    await page.waitForSelector('#trouble:not([hidden]), #q-error:not([hidden])');
    await page.goto(`${server.url}/?live=1`);
    await counted(page, `${ATTACKS.length} records`);
    await page.fill('#q', 'name:');
    await page.waitForSelector('#choices li');
    await server.pythonEnds('<b>live</b>', `log.error(${JSON.stringify(ATTACKS[1])}, extra={${JSON.stringify(ATTACKS[0])}: 1})`);
    await counted(page, `${ATTACKS.length + 1} records`);
    const strange = await page.$$eval('script:not([src]), iframe, [onerror], [onload], img:not([src="/assets/icon.svg"]), b:not(.chip b)', (nodes) => nodes.length);
    assert.equal(strange, 0);
    await page.close();
    await server.stop();
    store.remove();
});
