import { encode } from '@msgpack/msgpack';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { Bystander } from '../../support/bystander.js';
import { TestTenant, gauge, run } from '../../support/test-tenant.js';
import { WireClient } from '../../support/wire-client.js';

const DEEP = 100_000;

describe('a frame with', () => {
  let app: TestApp;
  let bystander: Bystander;
  let tenant: TestTenant;
  let client: WireClient;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 });
    bystander = await Bystander.on(app);
  });
  beforeEach(async () => {
    tenant = new TestTenant(app);
    await tenant.create('orders.metrics');
    client = await WireClient.open(app.url(`/ws/metrics?token=${tenant.token()}`, 'ws'));
    await client.next();
  });
  afterEach(async () => {
    await client.close();
    await bystander.isServed();
  });
  afterAll(async () => {
    await bystander.leave();
    await app.close();
  });

  it.each(['1e999', '-1e999'])('the id %s, which is no finite number, is answered without it', async (id) => {
    client.sendRaw(`{"type":"ping","id":${id}}`);
    expect(await client.next()).toEqual({ type: 'pong', timestamp: expect.any(Number) as number });
    client.sendRaw(`{"type":"no such type","id":${id}}`);
    expect(await client.next()).not.toHaveProperty('id');
  });

  it.each([NaN, Infinity, -Infinity])('the MessagePack id %d is answered without it', async (id) => {
    client.sendMessagePack({ type: 'ping', id });

    expect(await client.next()).toEqual({ type: 'pong', timestamp: expect.any(Number) as number });
  });

  it.each([
    '{"__proto__":{"type":"ping"}}',
    '{"constructor":{"prototype":{"type":"ping"}}}',
    '{"type":"__proto__"}',
    '{"type":"constructor"}',
    '{"type":"hasOwnProperty"}',
  ])('a name that means something to JavaScript is of no known type: %s', async (frame) => {
    client.sendRaw(frame);

    expect(await client.next()).toMatchObject({ type: 'error', code: 'unknown_type' });
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it.each(['__proto__', 'constructor', 'prototype'])('the tag name %s is refused', async (name) => {
    client.sendRaw(`{"type":"subscribe","data":{"channels":["orders.metrics"],"tags":{"${name}":"x"}}}`);
    expect(await client.next()).toMatchObject({ type: 'error', code: 'bad_subscription' });

    client.sendRaw(`{"type":"subscribe","data":{"channels":["orders.metrics"],"tags":{"${name}":{"a":"b"}}}}`);
    expect(await client.next()).toMatchObject({ type: 'error', code: 'bad_subscription' });
  });

  it('tags of other such names is a subscribe as any other', async () => {
    const tags = { toString: 'x', valueOf: 'y', hasOwnProperty: 'z', toJSON: 'w' };
    client.send({ type: 'subscribe', data: { channels: ['orders.metrics'], tags } });
    await client.next({ type: 'subscribed' });
    await tenant.record('metrics', [gauge('orders.metrics'), gauge('orders.metrics', { tags, value: 2 })]);

    expect(await client.next()).toMatchObject({ tags, value: 2 });
  });

  it.each(['__proto__', 'constructor', 'toString', '__proto__.metrics', 'constructor.metrics'])(
    'the channel %s knows none of that name',
    async (channel) => {
      client.send({ type: 'subscribe', data: { channels: [channel] } });

      expect(await client.next()).toMatchObject({ type: 'error', code: 'unknown_channel' });
      expect(await client.next()).toMatchObject({ type: 'subscribed', channels: [] });
    },
  );

  it('the channel __proto__.metrics is one as any other where something was recorded in it', async () => {
    await tenant.create('__proto__.metrics');
    client.send({ type: 'subscribe', data: { channels: ['__proto__.metrics'] } });

    expect(await client.next()).toMatchObject({ type: 'subscribed', channels: ['__proto__.metrics'] });
  });

  it('a MessagePack key __proto__ is not taken: an error, then 4400', async () => {
    client.sendRaw(encode({ type: 'ping', ['__proto__']: { admin: true } }));

    expect(await client.next()).toMatchObject({ type: 'error', code: 'bad_binary' });
    expect(await client.closed).toMatchObject({ code: 4400 });
  });

  it('a MessagePack tag named constructor is refused', async () => {
    client.sendMessagePack({ type: 'subscribe', data: { channels: ['orders.metrics'], tags: { constructor: 'x' } } });

    expect(await client.next()).toMatchObject({ type: 'error', code: 'bad_subscription' });
  });

  it('lists in lists in lists is read as far as anything asks for it', async () => {
    const nested = `${'['.repeat(DEEP)}${']'.repeat(DEEP)}`;
    client.sendRaw(`{"type":"ping","pad":${nested}}`);
    expect(await client.next()).toMatchObject({ type: 'pong' });
    client.sendRaw(`{"type":"subscribe","data":{"channels":${nested}}}`);
    expect(await client.next()).toMatchObject({ code: 'bad_subscription' });
    client.sendRaw(`{"type":"subscribe","data":{"channels":["orders.metrics"],"tags":{"shop":${nested}}}}`);
    expect(await client.next()).toMatchObject({ code: 'bad_subscription' });
    client.sendRaw(`{"type":"ping","id":${nested}}`);
    expect(await client.next()).toMatchObject({ type: 'pong' });
    client.sendRaw('['.repeat(DEEP));
    expect(await client.next()).toMatchObject({ code: 'bad_frame' });
  });

  it.each([
    { depth: 63, answer: { type: 'pong' } },
    { depth: 64, answer: { type: 'error', code: 'bad_binary' } },
    { depth: DEEP, answer: { type: 'error', code: 'bad_binary' } },
  ])('$depth MessagePack lists within each other is answered $answer', async ({ depth, answer }) => {
    const nested = Buffer.concat([Buffer.alloc(depth, 0x91), encode(1)]);
    // A map of two, which is a level itself: {type: 'ping', pad: nested}.
    client.sendRaw(
      Buffer.concat([Buffer.from([0x82]), ...['type', 'ping', 'pad'].map((text) => encode(text)), nested]),
    );

    expect(await client.next()).toMatchObject(answer);
  });

  it('a hundred thousand fields is read as far as anything asks for it', async () => {
    const fields = Array.from({ length: 50_000 }, (_, at) => `"f${at}":${at}`).join(',');
    client.sendRaw(`{"type":"ping",${fields}}`);

    expect(await client.next()).toMatchObject({ type: 'pong' });
  });

  it('a skill named as something that means something to JavaScript is one as any other', async () => {
    const skills = await tenant.watchSkills();
    for (const skill of ['__proto__', 'constructor', 'toString']) {
      await tenant.record('skills', run(skill));
      skills.send({ type: 'subscribe', skill });
      expect(await skills.next({ type: 'subscription_confirmed' })).toMatchObject({ skill });
      expect(await skills.next({ type: 'metrics_update' })).toMatchObject({
        data: { top_skills: [{ skill_name: skill, total_invocations: 1 }] },
      });
    }
    await skills.close();
  });

  it('a tenant so named is one as any other', async () => {
    const token = tenant.token({ tenant_id: 'constructor' });
    await tenant.record('skills', run('lint'), token);
    const skills = await tenant.watchSkills(token);

    expect(await skills.next()).toMatchObject({ data: { top_skills: [{ skill_name: 'lint' }] } });
    await skills.close();
  });
});
