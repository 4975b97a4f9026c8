import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../support/app.js';
import { Bystander } from '../support/bystander.js';
import { CapturedLog } from '../support/captured-log.js';
import { OPCODES, closeFrame, jsonFrame, rawFrame } from '../support/raw-frame.js';
import { RawSocket } from '../support/raw-socket.js';
import { TestTenant } from '../support/test-tenant.js';

const MIB = 1_048_576n;
/** In every payload; nothing that the server says may hold it. */
const CANARY = 'canary-7f3ad1';
const DEFLATE = { 'Sec-WebSocket-Extensions': 'permessage-deflate' };
const BAD_TEXTS = {
  'a byte that is in no character': [0xff],
  'a character that breaks off': [0xe2, 0x82],
  'the rest of a character alone': [0x82, 0xac],
  'a slash in more bytes than it needs': [0xc0, 0xaf],
  'half of a surrogate pair': [0xed, 0xa0, 0x80],
  'a character beyond the last': [0xf4, 0x90, 0x80, 0x80],
};
const start = (payload: string | Uint8Array = CANARY) => rawFrame(payload, { isFinal: false });
const continuation = (payload: string | Uint8Array, isFinal = true) =>
  rawFrame(payload, { isFinal, opcode: OPCODES.continuation });
const afterCanary = (bytes: readonly number[]) => Buffer.concat([Buffer.from(CANARY), Buffer.from(bytes)]);

interface Case {
  readonly what: string;
  readonly frames: readonly Uint8Array[];
}

/** What is wrong comes second here. */
const AFTER_A_MESSAGE = 'a continuation after the last';
const WRONG: readonly Case[] = [
  { what: 'a text frame that is not masked', frames: [rawFrame(CANARY, { isMasked: false })] },
  { what: 'a ping that is not masked', frames: [rawFrame(CANARY, { opcode: OPCODES.ping, isMasked: false })] },
  ...[1, 2, 3, 4, 5, 6, 7].map((reserved) => ({
    what: `the reserved bits ${reserved.toString(2).padStart(3, '0')}`,
    frames: [rawFrame(CANARY, { reserved })],
  })),
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) => ({
    what: `the reserved opcode ${opcode}`,
    frames: [rawFrame(CANARY, { opcode })],
  })),
  ...(['close', 'ping', 'pong'] as const).flatMap((name) => [
    { what: `a ${name} of 126 bytes`, frames: [rawFrame(CANARY.padEnd(126), { opcode: OPCODES[name] })] },
    { what: `a ${name} in fragments`, frames: [rawFrame(CANARY, { opcode: OPCODES[name], isFinal: false })] },
    {
      what: `a ${name} whose length takes more bytes than it needs`,
      frames: [rawFrame(CANARY, { opcode: OPCODES[name], lengthBytes: 2 })],
    },
  ]),
  { what: 'a continuation of nothing', frames: [continuation(CANARY)] },
  { what: 'a continuation of nothing that is to be continued', frames: [continuation(CANARY, false)] },
  {
    what: AFTER_A_MESSAGE,
    frames: [start('{"type":'), continuation('"ping"}'), continuation(CANARY)],
  },
  { what: 'a new text within a fragmented one', frames: [start(), rawFrame(CANARY)] },
  { what: 'a new binary within a fragmented text', frames: [start(), rawFrame(CANARY, { opcode: OPCODES.binary })] },
  ...[0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535].map((code) => ({
    what: `the close code ${code}`,
    frames: [closeFrame(code, CANARY)],
  })),
  { what: 'a close of one byte', frames: [rawFrame(Uint8Array.of(3), { opcode: OPCODES.close })] },
];

const NOT_UTF8: readonly Case[] = Object.entries(BAD_TEXTS).flatMap(([what, bytes]) => [
  { what: `${what} in a text`, frames: [rawFrame(afterCanary(bytes))] },
  { what: `${what} in the last of two fragments`, frames: [start(), continuation(Uint8Array.from(bytes))] },
  {
    what: `${what}, cut across fragments`,
    frames: [start(afterCanary(bytes.slice(0, 1))), continuation(Uint8Array.from(bytes.slice(1)))],
  },
  { what: `${what} in the reason of a close`, frames: [closeFrame(1000, afterCanary(bytes))] },
]);

const TOO_LONG: readonly Case[] = [
  ...[MIB + 1n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n].flatMap((announced) =>
    (['text', 'binary'] as const).map((name) => ({
      what: `a ${name} that announces ${announced} bytes`,
      frames: [rawFrame(CANARY, { announced, lengthBytes: 8, opcode: OPCODES[name] })],
    })),
  ),
  {
    what: 'fragments that announce one byte more together',
    frames: [start(), rawFrame(CANARY, { announced: MIB, lengthBytes: 8, opcode: OPCODES.continuation })],
  },
];

/** What is unusual, and right. */
const RIGHT: readonly Case[] = [
  { what: 'in fragments', frames: [start('{"ty'), continuation('pe":"pi', false), continuation('ng"}')] },
  { what: 'with empty fragments', frames: [start(''), continuation('', false), continuation('{"type":"ping"}')] },
  {
    what: 'with a character cut across fragments',
    frames: [
      start('{"type":"ping","pad":"'),
      continuation(Uint8Array.of(0xe2, 0x82), false),
      continuation(Uint8Array.of(0xac), false),
      continuation('"}'),
    ],
  },
  {
    what: 'with control frames between its fragments',
    frames: [
      start('{"type":'),
      rawFrame('', { opcode: OPCODES.pong }),
      rawFrame('', { opcode: OPCODES.ping }),
      continuation('"ping"}'),
    ],
  },
  // RFC 6455, 5.2 demands the shortest form of who sends. Nothing hangs on it for who receives: what it means is clear.
  { what: 'whose length is said in two bytes too many', frames: [jsonFrame({ type: 'ping' }, { lengthBytes: 2 })] },
  { what: 'whose length is said in eight bytes too many', frames: [jsonFrame({ type: 'ping' }, { lengthBytes: 8 })] },
];

describe('frames made by hand', () => {
  const log = new CapturedLog();
  let app: TestApp;
  let tenant: TestTenant;
  let bystander: Bystander;
  let subjects = 0;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1, compression: true });
    app.app.useLogger(log);
    tenant = new TestTenant(app);
    bystander = await Bystander.on(app, tenant);
  });
  // Others of the very same tenant are served as if nothing had happened.
  afterEach(() => bystander.isServed());
  afterAll(async () => {
    await bystander.leave();
    await app.close();
  });

  const open = async (headers: Record<string, string> = {}) => {
    const token = tenant.token({ sub: `mallory ${++subjects}` });
    const raw = await RawSocket.open(app, `/ws/metrics?token=${token}`, headers);
    await raw.nextMessage('welcome');
    return raw;
  };
  /** Sends them at once, with a command behind them; what follows must be an end with this code, and nothing done. */
  const expectEnd = async ({ frames }: Case, code: number, headers: Record<string, string> = {}) => {
    const raw = await open(headers);
    raw.write(...frames, jsonFrame({ type: 'subscribe', data: { channels: ['alerts.events'] } }));
    const end = await raw.end();
    raw.destroy();

    expect(end).toEqual({ code, reason: '' });
    const said = raw.received.toString('latin1');
    expect(said).not.toContain(CANARY);
    expect(said).not.toContain('subscribed');
    expect(log.text).toContain('A peer broke the protocol');
    expect(log.text).not.toContain(CANARY);
  };

  it.each(WRONG)('$what: 1002', (one) => expectEnd(one, 1002));

  it.each(NOT_UTF8)('$what, which is not UTF-8: 1007', (one) => expectEnd(one, 1007));

  it.each(TOO_LONG)('$what: 1009, before they come', (one) => expectEnd(one, 1009));

  describe('where messages may be compressed', () => {
    it.each([
      ...WRONG.filter(({ what }) => what !== 'the reserved bits 100'),
      {
        what: 'a continuation that says it is compressed',
        frames: [start(), rawFrame(CANARY, { opcode: OPCODES.continuation, reserved: 4 })],
      },
      ...(['close', 'ping', 'pong'] as const).map((name) => ({
        what: `a ${name} that says it is compressed`,
        frames: [rawFrame(CANARY, { opcode: OPCODES[name], reserved: 4 })],
      })),
    ])('$what: 1002', (one) => expectEnd(one, 1002, DEFLATE));

    it('a text that says it is compressed, and is not: 1007', () =>
      expectEnd({ what: '', frames: [rawFrame(CANARY, { reserved: 4 })] }, 1007, DEFLATE));
  });

  it('of who has not said yet who they are end in the same way', async () => {
    for (const [code, cases] of [
      [1002, WRONG.filter(({ what }) => what !== AFTER_A_MESSAGE)],
      [1007, NOT_UTF8],
      [1009, TOO_LONG],
    ] as const) {
      for (const { what, frames } of cases) {
        const raw = await RawSocket.open(app, '/ws/skills');
        raw.write(...frames);

        expect([what, await raw.end()]).toEqual([what, { code, reason: '' }]);
        expect(raw.received.toString('latin1')).not.toContain(CANARY);
        raw.destroy();
      }
    }
    expect(log.text).not.toContain(CANARY);
  });

  it.each(RIGHT)('a message $what is answered', async ({ frames }) => {
    const raw = await open();
    raw.write(...frames);

    await raw.nextMessage('pong');
    raw.destroy();
  });

  it.each([1000, 1001, 1014, 3000, 4999])('the close code %d is repeated', async (code) => {
    const raw = await open();
    raw.write(closeFrame(code));

    expect(await raw.end()).toEqual({ code, reason: '' });
  });

  it('a close without a code is answered by one', async () => {
    const raw = await open();
    raw.write(rawFrame('', { opcode: OPCODES.close }));

    expect(await raw.end()).toEqual({ code: null, reason: '' });
  });

  it('what comes after a close is not done', async () => {
    const raw = await open();
    raw.write(closeFrame(1000), jsonFrame({ type: 'ping' }));
    await raw.end();

    expect(raw.received.toString('latin1')).not.toContain('pong');
  });

  it('a ping of 125 bytes is answered by the same', async () => {
    const raw = await open();
    const payload = 'x'.repeat(125);
    raw.write(rawFrame(payload, { opcode: OPCODES.ping }));

    expect((await raw.nextOf(OPCODES.pong)).payload.toString()).toBe(payload);
    raw.destroy();
  });

  it('a frame whose header comes in two pieces is answered, wherever it is cut', async () => {
    const raw = await open();
    const frame = jsonFrame({ type: 'ping', pad: 'x'.repeat(65_536) });
    const header = frame.indexOf(0x37) + 4;
    expect(header).toBe(14);
    for (let cut = 1; cut <= header; cut++) {
      await raw.writeAlone(frame.subarray(0, cut));
      raw.write(frame.subarray(cut));
      await raw.nextMessage('pong');
    }
    raw.destroy();
  });

  it('a frame that comes byte by byte is answered', async () => {
    const raw = await open();
    for (const byte of jsonFrame({ type: 'ping' })) await raw.writeAlone(Uint8Array.of(byte));

    await raw.nextMessage('pong');
    raw.destroy();
  });
});

describe('a frame that is never complete', () => {
  let app: TestApp;
  let tenant: TestTenant;
  let bystander: Bystander;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1, heartbeatInterval: 0.3 });
    tenant = new TestTenant(app);
    bystander = await Bystander.on(app, tenant);
  });
  afterEach(() => bystander.isServed());
  afterAll(async () => {
    await bystander.leave();
    await app.close();
  });

  const frame = jsonFrame({ type: 'ping', pad: 'x'.repeat(65_536) });

  it.each([1, 2, 5, 9, 10, 13, 14, 1000])(
    'after %d bytes: its connection goes on until it is silent for two heartbeats',
    async (bytes) => {
      const raw = await RawSocket.open(app, `/ws/metrics?token=${tenant.token({ sub: `mallory ${bytes}` })}`);
      await raw.nextMessage('welcome');
      raw.write(frame.subarray(0, bytes));
      // It is still told what there is to tell.
      await raw.nextOf(OPCODES.ping);

      expect(await raw.end()).toEqual({ code: 4408, reason: 'peer silent for two heartbeats' });
    },
  );
});
