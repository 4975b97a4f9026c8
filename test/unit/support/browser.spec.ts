import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { openBrowser } from '../../support/browser.js';
import { type Answering, HttpStandIn } from '../../support/http-stand-in.js';

/** The first to ask may have to install it. */
const PATIENCE = { timeout: 300_000 };

async function serve(answer: Answering): Promise<string> {
  const server = await HttpStandIn.start(answer);
  onTestFinished(() => server.close());
  return server.url;
}

it('a page of a local server opens and runs its script', PATIENCE, async () => {
  const url = await serve((_, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(`<title>Closed</title><script>document.title = 'Open'</script>`);
  });
  const browser = await openBrowser();
  onTestFinished(() => browser.close());

  const page = await browser.newPage();
  await page.goto(url);

  expect(await page.title()).toBe('Open');
});

it('closing it leaves to everybody else what they have open', PATIENCE, async () => {
  const [one, other] = await Promise.all([openBrowser(), openBrowser()]);
  onTestFinished(() => other.close());
  const page = await other.newPage();
  await one.newPage();

  await one.close();

  expect(one.isConnected()).toBe(false);
  await page.setContent('<title>Still here</title>');
  expect(await page.title()).toBe('Still here');
});

it.each(['SIGINT', 'SIGKILL'] as const)('the browser ends with a run that %s ends', PATIENCE, async (signal) => {
  const asked = new EventEmitter<{ page: [Socket] }>();
  const url = await serve((_, response) => {
    response.write('<title>Never ends</title>');
    asked.emit('page', response.socket!);
  });
  const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
  const vitest = path('../../../node_modules/vitest/vitest.mjs');
  const config = path('../../support/fixtures/servers/vitest.config.ts');
  const run = spawn(process.execPath, [vitest, 'run', '--config', config, 'browsing'], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: temporaryFolder(), PAGE_URL: url },
    stdio: 'ignore',
  });
  onTestFinished(() => void run.kill('SIGKILL'));

  const [socket] = (await once(asked, 'page')) as [Socket];
  const cut = new Promise((resolve) => socket.once('close', resolve)); // an error before it is one of its ways to end
  run.kill(signal);

  await cut;
});

/** For what a run that is killed cannot remove itself. */
function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'metricast-browser-'));
  onTestFinished(() => rm(folder, { recursive: true, maxRetries: 10 }));
  return folder;
}
