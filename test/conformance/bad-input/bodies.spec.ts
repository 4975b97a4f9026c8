import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Answer, SECRET, TestApp } from '../../support/app.js';
import { Bystander } from '../../support/bystander.js';
import { TestTenant, gauge, run } from '../../support/test-tenant.js';

const MIB = 1_048_576;

describe.each([
  { path: '/ingest/skills', item: run('lint') },
  { path: '/ingest/metrics', item: gauge('orders.metrics') },
])('a bad body of $path', ({ path, item }) => {
  let app: TestApp;
  let bystander: Bystander;
  let tenant: TestTenant;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 });
    bystander = await Bystander.on(app);
  });
  beforeEach(() => {
    tenant = new TestTenant(app);
  });
  afterEach(() => bystander.isServed());
  afterAll(async () => {
    await bystander.leave();
    await app.close();
  });

  const post = (body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
    app.post(path, body, { authorization: `Bearer ${tenant.token()}`, ...headers });
  const items = (count: number) => Array.from({ length: count }, () => item);
  /** The item as a JSON text of so many bytes. */
  const padded = (size: number) => JSON.stringify(item).padEnd(size, ' ');

  it.each([
    'not JSON',
    '',
    '{"skill_name":"lint","completed":tru',
    '{"channel":"orders.metrics","name":"a","type":"gauge","value":NaN}',
    "{'a':1}",
    '[{},]',
    '['.repeat(100_000),
  ])('that is not JSON (%#) is answered 400, without a word of it', async (body) => {
    expect(await post(body)).toMatchObject({
      status: 400,
      body: { statusCode: 400, code: 'bad_request', message: 'Invalid request: the body is not JSON' },
    });
  });

  it.each([
    '7',
    '"lint"',
    'null',
    'true',
    '{}',
    '[[]]',
    '[null,7,"lint"]',
    `${'['.repeat(10_000)}${']'.repeat(10_000)}`,
  ])('without one good item (%#) is answered 400, and names what is wrong', async (body) => {
    expect(await post(body)).toMatchObject({
      status: 400,
      body: {
        statusCode: 400,
        code: 'bad_request',
        message: 'Invalid request: no item is valid',
        errors: expect.arrayContaining([
          { field: expect.stringMatching(/^0/) as string, message: expect.any(String) as string },
        ]) as object[],
      },
    });
  });

  it('with 10,001 items is answered 413, and none of them is stored', async () => {
    expect(await post(items(10_001))).toMatchObject({ status: 413, body: { statusCode: 413, code: 'too_large' } });
    expect(await tenant.record('skills', run('after'))).toMatchObject({ status: 202 });
    const skills = await tenant.watchSkills();

    expect(await skills.next()).toMatchObject({ data: { top_skills: [{ skill_name: 'after' }] } });
    await skills.close();
  });

  it('is not one of 10,000 items', async () => {
    expect(await post(items(10_000))).toMatchObject({ status: 202, body: { accepted: 10_000, rejected: [] } });
  });

  it('of 6 MiB is answered 413', async () => {
    const answer = await post(padded(6 * MIB));

    expect(answer).toMatchObject({ status: 413, body: { statusCode: 413, code: 'too_large' } });
  });

  it('of 6 MiB that does not say so is answered 413', async () => {
    const response = await fetch(app.url(path), {
      method: 'POST',
      headers: { authorization: `Bearer ${tenant.token()}`, 'content-type': 'application/json' },
      body: new Blob([padded(6 * MIB)]).stream(),
      duplex: 'half',
    } as RequestInit);

    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ code: 'too_large' });
  });

  it('is not one of 5 MiB', async () => {
    expect(await post(padded(5 * MIB))).toMatchObject({ status: 202, body: { accepted: 1 } });
    expect(await post(padded(5 * MIB + 1))).toMatchObject({ status: 413 });
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/xml',
    'json',
    '',
  ])('of the type "%s" is answered 415', async (type) => {
    const answer = await post(JSON.stringify(item), { 'content-type': type });

    expect(answer).toMatchObject({ status: 415, body: { statusCode: 415, code: 'unsupported_media_type' } });
  });

  it.each(['application/json; charset=utf-8', 'Application/JSON', 'application/vnd.acme+json'])(
    'is not one of the type "%s"',
    async (type) => {
      expect(await post(JSON.stringify(item), { 'content-type': type })).toMatchObject({ status: 202 });
    },
  );

  it('that says it is compressed is answered 415', async () => {
    expect(await post(JSON.stringify(item), { 'content-encoding': 'gzip' })).toMatchObject({ status: 415 });
  });

  it('says nothing that was sent, whatever is wrong', async () => {
    const marked = '<script>DROP TABLE</script>';
    const bodies = [marked, [marked], { [marked]: marked }, { ...item, id: [marked] }, { ...item, timestamp: marked }];
    for (const body of bodies) {
      const answer = await post(body);

      expect(answer.status).toBe(400);
      expect(JSON.stringify(answer.body)).not.toContain('DROP');
    }
  });

  it('with names that mean something to JavaScript has no item, and changes nothing', async () => {
    for (const body of [
      `{"__proto__":${JSON.stringify(item)}}`,
      `{"constructor":{"prototype":${JSON.stringify(item)}}}`,
      '{"__proto__":{"polluted":true}}',
    ]) {
      expect(await post(body)).toMatchObject({ status: 400 });
    }
    expect(Object.keys(Object.prototype)).toEqual([]);
    // Beside what an item needs, they are as any other field that nobody asked for.
    expect(await post(`{"__proto__":{"polluted":true},${JSON.stringify(item).slice(1)}`)).toMatchObject({
      status: 202,
    });
  });

  it('that breaks off with its connection is nobody’s trouble', async () => {
    const socket = connect(app.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(
      [
        `POST ${path} HTTP/1.1`,
        'Host: localhost',
        `Authorization: Bearer ${tenant.token()}`,
        'Content-Type: application/json',
        'Content-Length: 1000',
        '',
        '{"skill_name":',
      ].join('\r\n'),
    );
    await tenant.record('skills', run('meanwhile'));
    socket.destroy();
    await once(socket, 'close');
  });
});
