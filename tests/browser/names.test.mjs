// Loggers and hosts by the thousand: parents with their true counts, each logger by opening them or by typing.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { answered, counted, judged, launch, open, search, Server, Store, until } from './support.mjs';

const AREAS = 10;
const MODULES = 60;
const TREE = 12_000;
const FLAT = 3000;
const DEEP = 150;
const TOTAL = TREE + FLAT + DEEP;

function* records() {
    const created = new Date().toISOString();
    const record = (name, i, level = 'info') => ({ created, name, level, message: `of ${name}`, hostname: `pod-${i % 2500}` });
    for (let i = 0; i < TREE; i += 1) yield record(`area${i % AREAS}.module${i % MODULES}.logger${i}`, i, i % 1000 === 7 ? 'error' : 'info');
    for (let i = 0; i < DEEP; i += 1) yield record(Array(i + 1).fill('deep').join('.'), 1);
    for (let i = 0; i < FLAT; i += 1) yield record(`flat.f${i}`, 0);
}

let browser, store, server;
before(async () => {
    store = new Store([...records()]);
    [browser, server] = [await launch(), await Server.start(store)];
});
after(async () => {
    await browser.close();
    await server.stop();
    store.remove();
});

const row = (name) => `#loggers [data-name="${name}"]`;
const numberIn = (page, selector) => page.$eval(selector, (node) => Number(/[\d,]+/.exec(node.title.replace(/^.*: /, ''))[0].replace(',', '')));
const offered = (page, text) => until(page, (wanted) => [...document.querySelectorAll('#choices li span:first-child')].some((span) => span.textContent === wanted), text);

test('the tree has true counts, and the keyboard opens it down to any logger', async () => {
    const page = await open(browser, server);
    await counted(page, '15,150 records');
    await page.waitForSelector(row('area3'));
    assert.ok(await page.locator('#loggers .node').count() < 20);
    assert.equal(await numberIn(page, row('area3')), TREE / AREAS);
    assert.equal(await numberIn(page, row('flat')), FLAT);
    assert.equal(await numberIn(page, row('deep')), DEEP);
    await page.focus(row('area0'));
    await page.keyboard.press('ArrowRight');
    await page.waitForSelector(row('area0.module10'));
    await until(page, () => document.activeElement.dataset.name === 'area0' && document.activeElement.ariaExpanded === 'true');
    const closed = page.locator('#loggers .node[aria-level="2"][aria-expanded="false"]');
    const names = await closed.evaluateAll((nodes) => nodes.map((node) => node.dataset.name));
    assert.equal(names.length, MODULES / AREAS);
    for (const name of names) {
        await page.focus(row(name));
        await page.keyboard.press('ArrowRight');
        await page.waitForSelector(`[data-name^="${name}.logger"]`);
        assert.equal(await numberIn(page, row(name)), TREE / MODULES);
        assert.equal(await page.locator(`[data-name^="${name}.logger"]`).count(), TREE / MODULES);
    }
    assert.equal(await numberIn(page, row('area0')), TREE / AREAS);
    await page.focus(row('area0.module0'));
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    await counted(page, '1 record');
    assert.match(await page.inputValue('#q'), /^name:area0\.module0\.logger\d+$/);
    assert.ok(await page.isVisible(row('area0.module0.logger0')), 'what was open stays open');
    await page.close();
});

test('a closed parent is opened by asking for what is below it, also by a link', async () => {
    const page = await open(browser, server, null);
    const asked = [];
    page.on('request', (request) => asked.push(new URL(request.url()).searchParams.get('under')));
    const name = `area9.module59.logger${TREE - 1}`;
    await page.goto(`${server.url}/?q=name:${name}`);
    await page.waitForSelector(`${row(name)}[aria-selected=true]`);
    assert.ok(asked.some((under) => under === 'area9' || under === 'area9.module59'), String(asked));
    assert.equal(await numberIn(page, row('area9')), TREE / AREAS);
    await page.close();
});

test('a deep chain is opened as deep as it goes, and its rows stay in sight', async () => {
    const name = Array(DEEP).fill('deep').join('.');
    const page = await open(browser, server, `/?q=name:${name}`);
    await page.waitForSelector(`${row(name)}[aria-selected=true][aria-level="${DEEP}"]`);
    const box = await page.locator(`${row(name)} .label`).boundingBox();
    assert.ok(box.x < 230 && box.width > 20, JSON.stringify(box));
    await page.close();
});

test('of loggers by the thousand at one place the largest are shown, and the others found by typing', async () => {
    const page = await open(browser, server);
    await page.waitForSelector(row('flat'));
    await page.click(`${row('flat')} .twist`);
    const rest = page.locator('#loggers .rest');
    await rest.waitFor();
    assert.match(await rest.innerText(), /^[\d,]+ more/);
    assert.equal(await numberIn(page, row('flat')), FLAT);
    await rest.focus();
    await page.keyboard.press('Enter');
    assert.equal(await page.inputValue('#q'), 'name:flat.');
    await page.keyboard.type('f');
    await page.keyboard.type('299');
    await offered(page, 'name:flat.f2999');
    await page.keyboard.type('9');
    await page.keyboard.press('Enter');
    await counted(page, '1 record');
    await search(page, '');
    await page.fill('#q', 'AREA7.module37.logger1197');
    await offered(page, 'name:area7.module37.logger11977');
    await page.close();
});

test('the largest hosts are shown, and any host is found by typing', async () => {
    const page = await open(browser, server);
    await page.waitForSelector('#hosts-more:not([hidden])');
    assert.equal(await page.locator('#hosts .node').count(), 100);
    assert.match(await page.locator('#hosts li:nth-child(1) .node').innerText(), /^pod-0\s+3,005$/);
    assert.match(await page.innerText('#hosts-more'), /^2,400 more/);
    await page.click('#hosts-more');
    assert.equal(await page.inputValue('#q'), 'host:');
    await page.keyboard.type('pod-249');
    await offered(page, 'host:pod-2499');
    await page.keyboard.type('9');
    await page.keyboard.press('Enter');
    await counted(page, '4 records');
    await page.close();
});

test('what comes live counts where its logger is, also where that is not named', async () => {
    const page = await open(browser, server, '/?live=1');
    await counted(page, '15,150 records');
    await page.waitForSelector(row('flat'));
    await page.click(`${row('flat')} .twist`);
    await page.waitForSelector('#loggers .rest');
    await page.waitForFunction(() => document.getElementById('live-state').textContent.startsWith('Live'));
    for (const name of ['area5.module5.logger5', 'flat.f2999', 'new.logger']) await server.pythonEnds(name, 'log.error("one more")');
    await counted(page, '15,153 records');
    await page.waitForSelector(row('new'));
    assert.equal(await numberIn(page, row('area5')), TREE / AREAS + 1);
    assert.equal(await numberIn(page, row('flat')), FLAT + 1);
    assert.equal(await page.locator(row('flat.f2999')).count(), 0);
    await page.close();
});

test('axe-core finds nothing serious in a large tree', async () => {
    const page = await open(browser, server);
    await answered(page);
    await page.waitForSelector(row('flat'));
    await page.click(`${row('area1')} .twist`);
    await page.waitForSelector(row('area1.module1'));
    assert.deepEqual(await judged(page, 'the tree'), []);
    await page.close();
});
