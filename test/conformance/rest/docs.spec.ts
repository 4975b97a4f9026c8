import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Platform, SECRET, TestApp } from '../../support/app.js';

describe.each<Platform>(['express', 'fastify'])('GET /docs/asyncapi on %s', (platform) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET } }, platform);
  });
  afterAll(() => app.close());

  it("is the package's description of its messages, without a token", async () => {
    const response = await fetch(app.url('/docs/asyncapi'));

    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/yaml; charset=utf-8');
    const text = await response.text();
    expect(text).toBe(await readFile(new URL('../../../docs/asyncapi.yaml', import.meta.url), 'utf8'));
    expect(text).toMatch(/^asyncapi: /m);
  });

  it('is not sent again where it is known', async () => {
    const etag = (await fetch(app.url('/docs/asyncapi'))).headers.get('etag')!;

    expect((await fetch(app.url('/docs/asyncapi'), { headers: { 'if-none-match': etag } })).status).toBe(304);
  });
});
