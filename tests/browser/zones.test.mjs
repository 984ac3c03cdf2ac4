// Times as they are typed, and days of the histogram: those of the browser, whatever the server's zone.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { answered, counted, launch, open, search, Server, Store } from './support.mjs';

const BERLIN = { timezoneId: 'Europe/Berlin' };

let browser, store, server;
before(async () => {
    // An hour apart, around the night in which Berlin's clocks are set forward.
    store = new Store(Array.from({ length: 24 * 12 }, (_, hour) => ({
        created: new Date(Date.UTC(2026, 2, 24, hour)).toISOString(), name: 'night', level: 'info', message: `hour ${hour}`,
    })));
    [browser, server] = [await launch(), await Server.start(store, [], 0, { TZ: 'UTC' })];
});
after(async () => {
    await browser.close();
    await server.stop();
    store.remove();
});

async function watched(options, target = '/') {
    const page = await open(browser, server, null, options);
    page.asked = [];
    page.on('request', (request) => {
        const { pathname, searchParams } = new URL(request.url());
        if (pathname.startsWith('/api/')) page.asked.push([pathname, searchParams.get('zone')]);
    });
    await page.goto(server.url + target);
    await answered(page);
    return page;
}

test('a time that is typed is read in the zone of the browser, also from a link', async () => {
    const q = 'since:"2026-03-29 01:00" until:"2026-03-29 04:00"';
    const page = await watched(BERLIN);
    await counted(page, '288 records');
    await search(page, q);
    // 00:00, 01:00 and 02:00 in UTC; two o'clock is skipped.
    await counted(page, '3 records');
    assert.match(await page.locator('.rows .row:nth-child(1) .time').innerText(), /04:00:00/);
    const other = await watched({ timezoneId: 'America/New_York' }, new URL(page.url()).search);
    await counted(other, '4 records');
    await Promise.all([page.close(), other.close()]);
});

test('a day of the histogram begins with the day of the browser, also when clocks are set', async () => {
    const page = await open(browser, server, null, BERLIN);
    const answer = page.waitForResponse((response) => response.url().includes('/api/histogram'));
    await page.goto(`${server.url}/?since=2026-03-27&until=2026-03-30&compare=7d`);
    const { buckets, from, to } = await (await answer).json();
    assert.deepEqual([from, to], ['2026-03-26T23:00:00.000000000Z', '2026-03-30T21:59:59.999999999Z']);
    assert.equal(buckets[0].start_ms, Date.UTC(2026, 2, 26, 23));
    await counted(page, '95 records');
    await page.close();
});

test('every question has the zone, and the day of the histogram that is compared with', async () => {
    const page = await watched(BERLIN, '/?since=2026-03-27&until=2026-03-28&compare=1d&live=1');
    await page.waitForSelector('#other:not([hidden])');
    await page.waitForFunction(() => document.getElementById('live-state').textContent.startsWith('Live'));
    await page.click('#download');
    assert.match(await page.getAttribute('#downloads a', 'href'), /zone=Europe%2FBerlin/);
    const asked = page.asked.filter(([path]) => path !== '/api/meta');
    for (const path of ['records', 'histogram', 'names', 'stream']) assert.ok(asked.some(([asked]) => asked === `/api/${path}`), path);
    assert.ok(asked.every(([, zone]) => zone === 'Europe/Berlin'), JSON.stringify(asked));
    await page.close();
});

test('a zone that the server does not know gives way to the one of the server', async () => {
    const page = await open(browser, server, null);
    await page.addInitScript(() => {
        const known = Intl.DateTimeFormat.prototype.resolvedOptions;
        Intl.DateTimeFormat.prototype.resolvedOptions = function options() {
            return { ...known.call(this), timeZone: 'Mars/Olympus' };
        };
    });
    await page.goto(`${server.url}/?${new URLSearchParams({ q: 'since:"2026-03-29 01:00" until:"2026-03-29 04:00"', live: '1' })}`);
    await counted(page, '4 records');
    await page.waitForFunction(() => document.getElementById('live-state').textContent.startsWith('Live'));
    await page.waitForFunction(() => document.getElementById('bars').getAttribute('aria-label').startsWith('Histogram of 4'));
    assert.equal(await page.isVisible('#trouble'), false);
    await page.close();
});
