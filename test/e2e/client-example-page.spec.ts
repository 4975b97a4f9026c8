import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { SECRET, TestApp, secondsFromNow, tokenWith } from '../support/app.js';
import { openBrowser } from '../support/browser.js';
import { ClosingServer } from '../support/closing-server.js';
import { exampleFile } from '../support/example-client.js';
import { HttpStandIn } from '../support/http-stand-in.js';

/** The first to ask for the browser may have to install it. */
const INSTALLING = 300_000;
const PATIENCE = { timeout: 60_000 };

/** By dialect: the path of its WebSocket, what its stream is told, and what the page shows of either, one after the other. */
const DIALECTS: [dialect: string, path: string, query: string, shown: RegExp[]][] = [
  ['channels', '/ws/metrics', '&channels=system.metrics', [/"type":"welcome"/, /"channel":"system.metrics".*"cpu"/]],
  ['skills', '/ws/skills', '', [/"type":"connected"/, /"skill_name":"pytest-run"/]],
  ['tools', '/ws/tools', '', [/"type":"connected"/, /"type":"metrics".*"total_compressions":0/]],
  ['routing', '/ws/routing', '', [/"total_decisions":0/]],
  [
    'workspace',
    '/ws',
    '&event_types=metrics_update,alert',
    [/"event":"connected"/, /"event":"metrics_update".*"total_executions"/],
  ],
];
const TYPES: Record<string, string> = { html: 'text/html', js: 'text/javascript' };

let app: TestApp;
let site: HttpStandIn;
let browser: Browser;

beforeAll(async () => {
  browser = await openBrowser();
  site = await HttpStandIn.start(({ path }, response) => {
    const name = path.replace(/\?.*/, '').slice(1) || 'index.html';
    response.setHeader('content-type', TYPES[name.split('.').at(-1)!]!);
    response.end(readFileSync(exampleFile(`browser/${name}`)));
  });
  app = await TestApp.start({ auth: { secret: SECRET } });
  const headers = { authorization: `Bearer ${tokenWith()}` };
  await app.post('/ingest/skills', { skill_name: 'pytest-run', completed: true }, headers);
}, INSTALLING);

afterAll(async () => {
  await browser.close();
  await site.close();
  await app.close();
});

/** The page, with that in its address. */
async function open(preset: Record<string, string> = {}): Promise<Page> {
  const page = await browser.newPage();
  onTestFinished(() => page.close());
  await page.goto(`${site.url}/?${new URLSearchParams(preset).toString()}`);
  return page;
}

/** The page, listening to a stream. It comes from the stream's own site: a browser keeps the streams of others from pages. */
async function openStream(query: string, token: string): Promise<Page> {
  const page = await browser.newPage();
  onTestFinished(() => page.close());
  const there = app.url('/example/');
  await page.route(`${there}**`, (route) => {
    const { pathname } = new URL(route.request().url());
    return route.fulfill({ path: exampleFile(`browser/${pathname.split('/').at(-1) || 'index.html'}`) });
  });
  const preset = { transport: 'sse', url: app.url(`/stream/metrics?${query}`), token };
  await page.goto(`${there}?${new URLSearchParams(preset).toString()}`);
  return page;
}

/** Resolves when a message that matches stands in the list. */
function shown(page: Page, message: RegExp): Promise<void> {
  return page.getByRole('listitem').filter({ hasText: message }).first().waitFor();
}

it.each(DIALECTS)('the page shows what a WebSocket sends it in %s', PATIENCE, async (dialect, path, _, messages) => {
  const page = await open({ dialect, url: app.url(path, 'ws'), token: tokenWith() });

  for (const message of messages) await shown(page, message);
});

it.each(DIALECTS)('the page shows what a stream sends it in %s', PATIENCE, async (dialect, _, query, messages) => {
  const page = await openStream(`dialect=${dialect}${query}`, tokenWith());

  for (const message of messages) await shown(page, message);
});

it('the page says that a stream was refused', PATIENCE, async () => {
  const page = await openStream('dialect=tools', tokenWith({}, 'a secret that the server does not know'));

  await page.getByRole('status').filter({ hasText: 'refused' }).waitFor();
});

it('the page says why a stream ended for good', PATIENCE, async () => {
  const page = await openStream('dialect=tools', '');
  await page.getByPlaceholder('token').fill(tokenWith({ exp: secondsFromNow(3) }));
  await page.getByRole('button').click();

  await shown(page, /"reconnect":false/);
  expect(await page.getByRole('status').textContent()).toBe('closed');
});

it.each(DIALECTS)('the page knows the addresses of %s', PATIENCE, async (dialect, path, query) => {
  const page = await open();
  const address = page.getByPlaceholder('address');

  await page.locator('select[name=dialect]').selectOption(dialect);
  expect(await address.inputValue()).toBe(`ws://127.0.0.1:8000${path}`);
  await page.locator('select[name=transport]').selectOption('sse');
  expect(await address.inputValue()).toBe(`http://127.0.0.1:8000/stream/metrics?dialect=${dialect}${query}`);
});

it('what is filled in by hand takes the place of what is open', PATIENCE, async () => {
  const page = await open();
  const connect = async (dialect: string, path: string) => {
    await page.locator('select[name=dialect]').selectOption(dialect);
    await page.getByPlaceholder('address').fill(app.url(path, 'ws'));
    await page.getByPlaceholder('token').fill(tokenWith());
    const [socket] = await Promise.all([page.waitForEvent('websocket'), page.getByRole('button').click()]);
    return socket;
  };
  const before = await connect('skills', '/ws/skills');
  await shown(page, /"type":"connected"/);

  const closed = before.waitForEvent('close');
  await connect('channels', '/ws/metrics');

  await closed;
  await shown(page, /"type":"welcome"/);
});

it('the page loads nothing from anywhere else', PATIENCE, async () => {
  const page = await browser.newPage();
  onTestFinished(() => page.close());
  const loaded: string[] = [];
  page.on('request', (request) => loaded.push(request.url()));

  await page.goto(site.url);

  expect(loaded).toEqual([`${site.url}/`, `${site.url}/connect.js`]);
});

it('the page connects again after a close that is not final, and stops after one that is', PATIENCE, async () => {
  const server = await ClosingServer.start([1001, 1011, 4408, 4429, 4508, 4403]);
  const page = await open({ dialect: 'skills', url: server.url });

  await page.getByRole('status').filter({ hasText: 'closed: 4403' }).waitFor();
  expect(await page.getByRole('listitem').count()).toBe(6);
});
