import type { INestApplication } from '@nestjs/common';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Platform, SECRET, TestApp, tokenWith } from '../../support/app.js';
import { openBrowser } from '../../support/browser.js';
import { RunningHost, createHost, hostModule } from '../../support/host.js';
import { OpenApi } from '../../support/openapi.js';

/** The first to ask for the browser may have to install it. */
const INSTALLING = 300_000;
const PLATFORMS: Platform[] = ['express', 'fastify'];
const MEDIA_TYPES = { css: 'text/css; charset=utf-8', js: 'text/javascript; charset=utf-8' };

const api = new OpenApi();

/** What a page asks for besides, as seen from where it was found. */
function partsOf(html: string, url: string): string[] {
  return [...html.matchAll(/(?:href|src)="([^"]+)"/g)]
    .map(([, link]) => new URL(link!, url).href)
    .filter((link) => link !== 'data:,');
}

describe.each(PLATFORMS)('the page of the REST API on %s', (platform) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET } }, platform);
  });
  afterAll(() => app.close());

  it('comes without a token, and with all that it is made of', async () => {
    const page = await fetch(app.url('/docs'));
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);

    const parts = partsOf(await page.text(), page.url);
    expect(parts).toContain(app.url('/docs/openapi.json'));
    for (const part of parts) {
      const { status, headers } = await fetch(part);
      const type = MEDIA_TYPES[part.split('.').at(-1) as 'css' | 'js'] ?? 'application/json; charset=utf-8';
      expect([part, status, headers.get('content-type')]).toEqual([part, 200, type]);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
    }
  });

  it('lets a browser run and load what is from here, and nothing else', async () => {
    const { headers } = await fetch(app.url('/docs'));
    const policy = headers.get('content-security-policy')!.split('; ');
    expect(policy).toContain("default-src 'none'");
    for (const directive of policy) expect(directive).toMatch(/^[a-z-]+ ('none'|'self'( data:)?)$/);
  });

  it("shows the package's own document", async () => {
    const response = await fetch(app.url('/docs/openapi.json'));
    expect(await response.text()).toBe(api.text);
  });

  it('is not sent again where it is known', async () => {
    for (const path of ['/docs', '/docs/openapi.json', '/docs/ui/swagger-ui-bundle.js', '/docs/ui/start.js']) {
      const etag = (await fetch(app.url(path))).headers.get('etag')!;
      expect((await fetch(app.url(path), { headers: { 'if-none-match': etag } })).status).toBe(304);
    }
  });

  it.each(['index.js', 'package.json', '..%2Fpackage.json', 'constructor'])('has no part %s', async (name) => {
    const response = await fetch(app.url(`/docs/ui/${name}`));
    expect([response.status, await response.json()]).toMatchObject([404, { code: 'not_found' }]);
  });
});

describe.each(PLATFORMS)("in somebody's application on %s", (platform) => {
  let host: RunningHost | undefined;
  afterEach(() => host?.close());

  const listen = async (configure: (app: INestApplication) => unknown) => {
    const app = await createHost(platform, hostModule());
    configure(app);
    return (host = await RunningHost.listen(app));
  };

  it('the page finds what it is made of below the prefix', async () => {
    const running = await listen((app) => app.setGlobalPrefix('a/b'));
    const page = await fetch(running.url('/a/b/docs'));
    const parts = partsOf(await page.text(), page.url);
    expect(parts).toContain(running.url('/a/b/docs/openapi.json'));
    for (const part of parts) expect([part, (await fetch(part)).status]).toEqual([part, 200]);
  });

  it('the page has its own policy, whatever that of other pages is', async () => {
    const running = await listen((app) =>
      app.use((_request: unknown, response: { setHeader(name: string, value: string): void }, next: () => void) => {
        response.setHeader('Content-Security-Policy', "default-src 'unsafe-inline'");
        next();
      }),
    );
    const { headers } = await fetch(running.url('/docs'));
    expect(headers.get('content-security-policy')).not.toContain('unsafe');
  });
});

it('finds what it is made of from an address with a slash at the end, where that is one', async () => {
  const app = await TestApp.start({}, 'express');
  try {
    const page = await fetch(app.url('/docs/'));
    for (const part of partsOf(await page.text(), page.url))
      expect([part, (await fetch(part)).status]).toEqual([part, 200]);
  } finally {
    await app.close();
  }
});

describe('in a browser', () => {
  let browser: Browser;
  let host: RunningHost;
  beforeAll(async () => {
    browser = await openBrowser();
    const app = await createHost('express', hostModule({}, { auth: { secret: SECRET } }));
    app.setGlobalPrefix('api');
    host = await RunningHost.listen(app);
  }, INSTALLING);
  afterAll(async () => {
    await browser.close();
    await host.close();
  });

  /** The page, and everything that it complains of. */
  const open = async (hash = ''): Promise<{ page: Page; complaints: string[] }> => {
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('requestfailed', (request) => complaints.push(request.url()));
    page.on('request', (request) => {
      const { origin, protocol } = new URL(request.url());
      if (protocol !== 'data:' && origin !== host.url('')) complaints.push(`asked ${request.url()}`);
    });
    await page.goto(`${host.url('/api/docs')}${hash}`);
    await page.locator('.opblock').first().waitFor();
    return { page, complaints };
  };

  it('shows every operation, and complains of nothing', { timeout: 60_000 }, async () => {
    const { page, complaints } = await open();
    expect(await page.locator('.opblock').count()).toBe(api.operations.length);
    await page.locator('#operations-settings-changeTenantSettings .opblock-summary').click();
    await page.getByText('What the body leaves out stays as it is').first().waitFor();
    expect(complaints).toEqual([]);
  });

  it('sends what it shows, with the token that it was given', { timeout: 60_000 }, async () => {
    const { page, complaints } = await open();
    await page.locator('button.authorize').click();
    await page
      .getByLabel('auth-bearer-value')
      .first()
      .fill(tokenWith({ roles: ['operator'] }));
    await page.locator('.modal-ux button[type=submit]').first().click();
    await page.locator('.modal-ux .btn-done').first().click();
    const operation = page.locator('#operations-profiles-createProfile');
    await operation.locator('.opblock-summary').click();
    await operation.getByRole('button', { name: 'Try it out' }).click();
    await operation.getByRole('button', { name: 'Execute' }).click();

    await operation.locator('.live-responses-table .response-col_status').filter({ hasText: '201' }).waitFor();
    expect(await operation.locator('.request-url').innerText()).toContain(host.url('/api/admin/profiles'));
    expect(complaints).toEqual([]);
  });
});
