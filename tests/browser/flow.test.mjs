// What stands and what moves while records come: a zoom, the range of time, the rows under the pointer.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { answered, counted, launch, logstore, messages, open, Server, shop, Store, until } from './support.mjs';

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

async function withServer(records, work) {
    const store = new Store(records);
    const server = await Server.start(store);
    const loggers = [];
    // Logs until the end of the test.
    const steadily = (perSecond) => loggers.push(server.python('steady', 'import time', `for i in range(${perSecond * 120}):`,
        `    log.info("steady %d", i); time.sleep(1 / ${perSecond})`));
    try {
        await work(server, store, steadily);
    } finally {
        for (const logger of loggers) logger.kill();
        await server.stop();
        store.remove();
    }
}

const grew = async (page, by = 5) => {
    const count = () => Number(document.getElementById('count').textContent.replace(/\D/g, ''));
    const before = await page.evaluate(count);
    await until(page, (least) => Number(document.getElementById('count').textContent.replace(/\D/g, '')) >= least, before + by);
};

test('a part of the histogram is chosen with the pointer while records come', () => withServer(shop(300), async (server, store, steadily) => {
    const page = await open(browser, server, '/?live=1');
    await counted(page, '300 records');
    steadily(20);
    await grew(page);
    const { x, y, width, height } = await page.locator('#plot').boundingBox();
    const bars = await page.evaluate(() => document.querySelector('.handle').getAttribute('aria-valuemax'));
    await page.mouse.move(x + width * 0.25, y + height / 2);
    await page.mouse.down();
    await grew(page);
    await page.mouse.move(x + width * 0.5, y + height / 2, { steps: 3 });
    await grew(page);
    // The bars get another width meanwhile.
    store.add([{ level: 'info', name: 'old', message: 'of old', created: new Date(Date.now() - 3_600_000).toISOString() }]);
    await until(page, () => !document.querySelector('#width').textContent.match(/ s a bar/));
    const left = await page.evaluate(() => parseFloat(document.querySelector('.band').style.left));
    assert.ok(left > 50, `${left}: the band is where its time is now`);
    await page.mouse.up();
    await answered(page, 2);
    const [since, till] = ['since', 'until'].map((name) => Date.parse(new URL(page.url()).searchParams.get(name)));
    assert.ok(till - since > 50_000 && till - since < 120_000, `${bars} bars, ${till - since} ms`);
    await page.close();
}));

test('and with the keys', () => withServer(shop(300), async (server, store, steadily) => {
    const page = await open(browser, server, '/?live=1');
    await counted(page, '300 records');
    steadily(20);
    await page.focus('.handle');
    for (let i = 0; i < 3; i += 1) {
        await page.keyboard.press('Shift+ArrowRight');
        await grew(page);
    }
    const said = await page.getAttribute('.handle', 'aria-valuetext');
    await page.keyboard.press('Enter');
    await answered(page, 2);
    const since = new URL(page.url()).searchParams.get('since');
    assert.ok(Date.parse(since) > Date.now() - 290_000, since);
    assert.equal(await page.evaluate((time) => new Date(time).toLocaleString(), since), said);
    await page.close();
}));
