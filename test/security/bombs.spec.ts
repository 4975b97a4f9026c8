import { once } from 'node:events';
import { createGzip, gzipSync } from 'node:zlib';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { encode } from '@msgpack/msgpack';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../support/app.js';
import { Bystander } from '../support/bystander.js';
import { KNOWS_PEAKS, peakGrowth } from '../support/peak-memory.js';
import { changeSettings } from '../support/settings.js';
import { TestTenant, gauge } from '../support/test-tenant.js';
import { WireClient } from '../support/wire-client.js';

const MIB = 1_048_576;
const MAX_GROWTH_MIB = 20;
const MAX_STALL_MILLIS = 100;
/** How often to try what other work of this process may have added to. */
const TRIES = 5;

const list32 = Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff]);
const map32 = Buffer.from([0xdf, 0xff, 0xff, 0xff, 0xff]);
const lists16 = Buffer.alloc(3 * 349_000, Buffer.from([0xdc, 0xff, 0xff]));
const nested = Buffer.alloc(MIB, 0x91);

/** So many MiB of spaces in gzip, made without ever having them. */
async function gzipBomb(mebibytes: number): Promise<Buffer> {
  const spaces = Buffer.alloc(MIB, ' ');
  return buffer(Readable.from(Array.from({ length: mebibytes }, () => spaces)).pipe(createGzip()));
}

describe('what is small and wants to be large', () => {
  let app: TestApp;
  let bystander: Bystander;
  let tenant: TestTenant;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1, compression: true });
    bystander = await Bystander.on(app);
    tenant = new TestTenant(app);
  });
  afterEach(async () => {
    await bystander.isServed();
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
  afterAll(async () => {
    await bystander.leave();
    await app.close();
  });

  const open = async () => {
    const client = await WireClient.open(app.url(`/ws/metrics?token=${new TestTenant(app).token()}`, 'ws'));
    await client.next({ type: 'welcome' });
    return client;
  };

  describe.runIf(KNOWS_PEAKS)(`takes at most ${MAX_GROWTH_MIB} MiB`, () => {
    const binary = async (frame: Uint8Array) => {
      const client = await open();
      client.sendRaw(frame);
      expect(await client.next({ type: 'error' })).toMatchObject({ code: 'bad_binary' });
      expect(await client.closed).toMatchObject({ code: 4400 });
    };
    const body = async (path: string, gzip: Uint8Array) => {
      const headers = { authorization: `Bearer ${tenant.token()}`, 'content-encoding': 'gzip' };
      expect((await app.post(path, gzip, headers)).status).toBeOneOf([400, 404, 413, 415]);
    };
    let bomb: Buffer;
    beforeAll(async () => {
      bomb = await gzipBomb(100);
      // What is only made the first time.
      await binary(new Uint8Array([0xc1]));
      await body('/skills', gzipSync('{}'));
    });

    it.each([
      { what: 'a list of 2³² - 1', frame: list32 },
      { what: 'a map of 2³² - 1', frame: map32 },
      { what: 'lists of 65,535 within each other', frame: lists16 },
      { what: 'a million lists within each other', frame: nested },
    ])('as MessagePack: $what', async ({ frame }) => {
      expect(await peakGrowth(() => binary(frame))).toBeLessThan(MAX_GROWTH_MIB);
    });

    it.each(['/ingest/metrics', '/v1/nowhere', '/skills'])('as a body in gzip: POST %s', async (path) => {
      expect(await peakGrowth(() => body(path, bomb))).toBeLessThan(MAX_GROWTH_MIB);
    });
  });

  describe(`holds up the others for at most ${MAX_STALL_MILLIS} ms`, () => {
    /**
     * What an attack takes of the processor, in the best of some tries: the loop cannot have stood still for longer. The
     * clock would count what else runs on this machine.
     */
    const stall = async (attack: () => Promise<unknown>): Promise<number> => {
      let least = Infinity;
      for (let count = 0; count < TRIES && least > MAX_STALL_MILLIS; count++) {
        const before = process.cpuUsage();
        await attack();
        const { user, system } = process.cpuUsage(before);
        least = Math.min(least, (user + system) / 1000);
      }
      return least;
    };
    const deep = `${'['.repeat(MIB / 4)}${']'.repeat(MIB / 4)}`;
    const wide = `{${Array.from({ length: 70_000 }, (_, at) => `"f${at}":${at}`).join(',')}}`;
    const keyed = (key: string) => `{${Array.from({ length: 40_000 }, () => `"${key}":{"x":1}`).join(',')}}`;

    it.each([
      { what: 'deep', value: deep },
      { what: 'wide', value: wide },
      { what: 'one name again and again', value: keyed('constructor') },
      { what: '__proto__ again and again', value: keyed('__proto__') },
    ])('as JSON in a frame: $what', async ({ value }) => {
      const frames = [
        `{"type":"ping","pad":${value}}`,
        `{"type":"subscribe","data":{"channels":["a.metrics"],"tags":${value}}}`,
        `{"type":"subscribe","data":{"channels":${value}}}`,
        `{"type":"subscribe","data":${value}}`,
      ];
      for (const frame of frames) {
        const client = await open();
        const attack = async () => {
          client.sendRaw(frame);
          await client.find(({ type }) => type === 'pong' || type === 'error');
        };
        expect(await stall(attack)).toBeLessThan(MAX_STALL_MILLIS);
        await client.close();
      }
    });

    it('as a wide MessagePack map', async () => {
      const frame = encode({
        type: 'ping',
        ...Object.fromEntries(Array.from({ length: 60_000 }, (_, at) => [`f${at}`, at])),
      });
      const client = await open();
      const attack = async () => {
        client.sendRaw(frame);
        await client.next({ type: 'pong' });
      };

      expect(await stall(attack)).toBeLessThan(MAX_STALL_MILLIS);
      await client.close();
    });
  });

  it.each(['NaN', 'Infinity', '-Infinity'])('the number %s is no JSON, in a frame as in a body', async (number) => {
    const client = await open();
    client.sendRaw(`{"type":"subscribe","data":{"channels":["a.metrics"],"tags":{"a":${number}}}}`);

    expect(await client.next()).toMatchObject({ code: 'bad_frame' });
    expect(
      await app.post('/ingest/metrics', `{"channel":"a.metrics","name":"n","type":"gauge","value":${number}}`, {
        authorization: `Bearer ${tenant.token()}`,
      }),
    ).toMatchObject({ status: 400, body: { code: 'bad_request' } });
    await client.close();
  });

  it.each(['__proto__', 'constructor', 'prototype'])('the tag %s is refused wherever there are tags', async (name) => {
    const tags = `{"${name}":{"polluted":true}}`;
    const item = `{"channel":"a.metrics","name":"n","type":"gauge","value":1,"tags":${tags}}`;
    const answer = await app.post('/ingest/metrics', item, { authorization: `Bearer ${tenant.token()}` });

    expect(answer).toMatchObject({ status: 400, body: { errors: [{ field: '0.tags' }] } });
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('settings named as what means something to JavaScript are refused', async () => {
    for (const name of ['__proto__', 'constructor']) {
      const changes = JSON.parse(`{"limits":{"${name}":{"max_series":1}}}`) as Record<string, unknown>;
      await expect(changeSettings(app, tenant, changes)).rejects.toThrow('400');
    }
    expect(await tenant.record('metrics', [gauge('a.metrics'), gauge('b.metrics')])).toMatchObject({ status: 202 });
  });

  it('a first frame of a megabyte that brings no token ends there', async () => {
    const client = await WireClient.open(app.url('/ws/skills', 'ws'));
    client.sendRaw('['.repeat(MIB));
    await once(client.socket, 'close');

    expect(await client.closed).toMatchObject({ code: 1009 });
  });
});
