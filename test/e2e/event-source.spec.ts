import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SECRET, TestApp } from '../support/app.js';
import { openBrowser } from '../support/browser.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { TestTenant, gauge } from '../support/test-tenant.js';

/** The first to ask for the browser may have to install it. */
const INSTALLING = 300_000;
const PATIENCE = { timeout: 30_000 };
const CHANNELS = ['orders.metrics', 'stock.metrics'] as const;

/** Shows what comes: values as a list, and what acknowledgements say of what was missed. */
const LISTEN = `
  const stream = new EventSource(ADDRESS);
  stream.addEventListener('metrics', ({ data }) => {
    const { type, recovered, value } = JSON.parse(data);
    if (type === 'subscribed') document.querySelector('p').textContent += recovered + ' ';
    if (value === undefined) return;
    document.querySelector('ol').append(Object.assign(document.createElement('li'), { textContent: value }));
  });`;

let app: TestApp;
let browser: Browser;
let page: Page;
beforeAll(async () => {
  browser = await openBrowser();
  app = await TestApp.start({ auth: { secret: SECRET } });
  page = await browser.newPage();
}, INSTALLING);
afterAll(async () => {
  await browser.close();
  await app.close();
});

it('an EventSource goes on where it was by itself, after its connection broke', { timeout: 60_000 }, async () => {
  const tenant = new TestTenant(app);
  await tenant.create(...CHANNELS);
  const target = { host: '127.0.0.1', port: app.port };
  let proxy = await TcpProxy.to(target);
  let last = 0;
  const record = (count: number) =>
    tenant.record(
      'metrics',
      Array.from({ length: count }, () => gauge(CHANNELS[++last % 2]!, { value: last })),
    );
  const seen = (count: number) =>
    page.waitForFunction(`document.querySelectorAll('li').length >= ${count}`, undefined, PATIENCE);

  // From its own site: a browser keeps the streams of others from pages.
  await page.goto(`http://127.0.0.1:${proxy.port}/health/live`);
  const query = new URLSearchParams({ dialect: 'channels', channels: CHANNELS.join(','), token: tenant.token() });
  await page.setContent('<p></p><ol></ol>');
  await page.evaluate(LISTEN.replace('ADDRESS', JSON.stringify(`/stream/metrics?${query.toString()}`)));
  await page.waitForFunction(`document.querySelector('p').textContent !== ''`, undefined, PATIENCE);
  await record(20);
  await seen(20);
  await proxy.close();
  await record(30);
  proxy = await TcpProxy.to(target, proxy.port);
  await seen(50);
  await record(10);
  await seen(60);

  expect(await page.locator('li').allTextContents()).toEqual(Array.from({ length: 60 }, (_, index) => `${index + 1}`));
  expect(await page.locator('p').textContent()).toBe('undefined true ');
  await proxy.close();
});
