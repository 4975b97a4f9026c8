import fc from 'fast-check';
import type { Socket } from 'node:net';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { WebSocket } from 'ws';
import { type Connection, Hub, InboundBudget } from '../../../../src/hub/index.js';
import { CLOSE, type Command, MetricastError } from '../../../../src/protocol/index.js';
import type { CommandHandlers } from '../../../../src/transports/ws/command-handlers.js';
import { WsSession } from '../../../../src/transports/ws/ws-session.js';
import { WsTransport } from '../../../../src/transports/ws/ws-transport.js';
import { type Connected, connect, endOfTurn } from '../../../support/connected.js';
import type { PlainDialect } from '../../../support/plain-dialect.js';

/** Handlers that take as long as a test wants, and note when each command begins and ends. */
class SlowHandlers {
  readonly log: string[] = [];
  /** Whether commands wait to be let go. */
  areHeld = false;
  readonly #held: (() => void)[] = [];

  async handle(_connection: Connection, { type, id }: Command): Promise<void> {
    this.log.push(`begin ${type} ${id}`);
    if (this.areHeld) await new Promise<void>((resolve) => this.#held.push(resolve));
    this.log.push(`end ${type} ${id}`);
  }

  /** Lets so many commands go, each as soon as it is running. */
  async letGo(times = 1): Promise<void> {
    for (let time = 0; time < times; time++) {
      while (this.#held.length === 0) await endOfTurn();
      this.#held.shift()!();
    }
    await settled();
  }

  logInternal(): void {}

  get begun(): string[] {
    return this.log.filter((line) => line.startsWith('begin')).map((line) => line.slice(6));
  }
}

/** A WebSocket that notes when it was held back. */
class Source {
  readonly log: string[] = [];
  readonly extensions = '';
  pause = () => void this.log.push('pause');
  resume = () => void this.log.push('resume');

  get isPaused(): boolean {
    return this.log.at(-1) === 'pause';
  }
}

let hub: Hub;
let budget: InboundBudget;
let handlers: SlowHandlers;
let source: Source;
let peer: Connected;
let session: WsSession;
beforeEach(() => {
  hub = new Hub();
  budget = new InboundBudget(() => 0);
  ({ handlers, source, peer, session } = open());
});

function open() {
  const own = { handlers: new SlowHandlers(), source: new Source(), peer: connect(hub) };
  const services = { hub, budget, handlers: own.handlers as unknown as CommandHandlers };
  return { ...own, session: new WsSession(own.peer.connection, readable(own.source), services) };
}

function readable(own: Source): WsTransport {
  return new WsTransport(own as unknown as WebSocket, {} as Socket, '127.0.0.1');
}

function send(frame: unknown, to = session): void {
  to.receive(Buffer.from(typeof frame === 'string' ? frame : JSON.stringify(frame)), false);
}

function ping(id: number): void {
  send({ type: 'ping', id });
}

/** All that can run without being let go has run, and what it said has left. */
async function settled(): Promise<void> {
  // Commands give way to others now and then, so it takes some turns.
  for (let turn = 0; turn < 10; turn++) await endOfTurn();
}

async function answers(): Promise<unknown[]> {
  await settled();
  return peer.transport.messages;
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

describe('the commands of a connection', () => {
  test('run one after the other, however slow the first is', async () => {
    handlers.areHeld = true;
    for (const id of [1, 2, 3]) ping(id);
    await settled();
    expect(handlers.log).toEqual(['begin ping 1']);
    await handlers.letGo(3);
    expect(handlers.log).toEqual([1, 2, 3].flatMap((id) => [`begin ping ${id}`, `end ping ${id}`]));
  });

  test('are answered in order, those that are none too', async () => {
    handlers.areHeld = true;
    ping(1);
    send('no JSON');
    send({ id: 2 });
    expect(await answers()).toEqual([]);
    await handlers.letGo();
    expect(await answers()).toEqual([{ error: 'bad_frame' }, { error: 'unknown_type', id: 2 }]);
  });

  test('do not wait for those of another connection', async () => {
    handlers.areHeld = true;
    ping(1);
    const other = open();
    send({ type: 'ping', id: 2 }, other.session);
    await settled();
    expect(other.handlers.log).toEqual(['begin ping 2', 'end ping 2']);
  });

  test('run no more once it is closed', async () => {
    handlers.areHeld = true;
    for (const id of [1, 2, 3]) ping(id);
    hub.close(peer.connection);
    await handlers.letGo();
    ping(4);
    await settled();
    expect(handlers.begun).toEqual(['ping 1']);
  });
});

describe('a source that sends faster than its commands run', () => {
  test('is held back when 64 wait, and let go when half of them are done', async () => {
    handlers.areHeld = true;
    for (const id of range(64)) ping(id);
    expect(source.log).toEqual([]);
    ping(65);
    expect(source.log).toEqual(['pause']);
    await handlers.letGo(32);
    expect(source.log).toEqual(['pause']);
    await handlers.letGo(2);
    expect(source.log).toEqual(['pause', 'resume']);
    await handlers.letGo(31);
    expect(handlers.begun).toEqual(range(65).map((id) => `ping ${id}`));
  });

  test('loses nothing of what was on its way when it was held back', async () => {
    handlers.areHeld = true;
    for (const id of range(200)) ping(id);
    expect(source.isPaused).toBe(true);
    await handlers.letGo(200);
    expect(handlers.begun).toEqual(range(200).map((id) => `ping ${id}`));
    expect(source.isPaused).toBe(false);
  });

  test('is let go in the end, whatever comes when', async () => {
    const steps = fc.array(fc.record({ arriving: fc.nat(90), done: fc.nat(90) }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const own = open();
        own.handlers.areHeld = true;
        let [arrived, finished] = [0, 0];
        for (const { arriving, done } of all) {
          // What is held back does not arrive.
          for (let each = 0; each < arriving && !own.source.isPaused; each++) {
            send({ type: 'ping', id: ++arrived }, own.session);
          }
          const times = Math.min(done, arrived - finished);
          await own.handlers.letGo(times);
          finished += times;
        }
        await own.handlers.letGo(arrived - finished);
        expect(own.source.isPaused).toBe(false);
        expect(own.handlers.begun).toEqual(range(arrived).map((id) => `ping ${id}`));
      }),
      { numRuns: 30 },
    );
  });
});

describe('a frame that is no command', () => {
  test.each([
    ['no JSON', { error: 'bad_frame' }],
    ['[]', { error: 'bad_frame' }],
    ['{}', { error: 'unknown_type' }],
    ['{"id":7}', { error: 'unknown_type', id: 7 }],
    ['{"id":{"a":1}}', { error: 'unknown_type' }],
    [`{"id":"${'x'.repeat(1000)}"}`, { error: 'unknown_type' }],
    ['{"type":"authenticate","token":"abc","id":1}', { error: 'unknown_type', id: 1 }],
  ])('is answered, and the connection stays: %s', async (text, answer) => {
    send(text);
    ping(1);
    expect(await answers()).toEqual([answer]);
    expect(handlers.begun).toEqual(['ping 1']);
    expect(peer.connection.isOpen).toBe(true);
  });

  test('but one that is not supported yet does not count towards the end of the connection', async () => {
    const { dialect } = peer.connection;
    const parse = () => {
      throw new MetricastError('not_supported');
    };
    peer = connect(hub, { dialect: Object.assign(Object.create(dialect) as PlainDialect, { parse }) });
    session = new WsSession(peer.connection, readable(source), {
      hub,
      budget,
      handlers: handlers as unknown as CommandHandlers,
    });
    for (let frame = 0; frame < 30; frame++) send({ type: 'get_history' });
    expect(await answers()).toHaveLength(30);
    expect(peer.connection.isOpen).toBe(true);
  });

  test('ends the connection when it is the 20th in a row', async () => {
    for (let frame = 0; frame < 19; frame++) send('no JSON');
    expect(peer.connection.isOpen).toBe(true);
    send('no JSON');
    expect(await answers()).toHaveLength(20);
    expect(peer.transport.closes).toEqual([CLOSE.protocolViolation]);
  });

  test('is not in a row with those before a command', async () => {
    for (const id of range(3)) {
      for (let frame = 0; frame < 19; frame++) send('no JSON');
      ping(id);
      await settled();
    }
    expect(await answers()).toHaveLength(57);
    expect(peer.transport.closes).toEqual([]);
    expect(handlers.begun).toHaveLength(3);
  });

  test('ends the connection when it is binary and not MessagePack', async () => {
    session.receive(Buffer.from([0xc1]), true);
    ping(1);
    expect(await answers()).toEqual([{ error: 'bad_binary' }]);
    expect(peer.transport.closes).toEqual([CLOSE.protocolViolation]);
    expect(handlers.begun).toEqual([]);
  });

  test('ends the connection where its dialect breaks down over it', async () => {
    const dialect = peer.connection.dialect as PlainDialect;
    const broken = connect(hub, {
      dialect: Object.assign(Object.create(dialect) as PlainDialect, {
        parse: () => {
          throw new TypeError('secret');
        },
      }),
    });
    const services = { hub, budget, handlers: handlers as unknown as CommandHandlers };
    send({ type: 'ping' }, new WsSession(broken.connection, readable(source), services));
    await settled();
    expect(broken.transport.messages).toEqual([{ error: 'internal' }]);
    expect(broken.transport.closes).toEqual([CLOSE.internal]);
  });
});

describe('a sign of life', () => {
  test.each(['{"type":"ping"}', '{"type":"pong"}', 'no JSON'])('is any frame: %s', (text) => {
    peer.connection.lastHeardAt = 0;
    send(text);
    expect(peer.connection.lastHeardAt).toBeGreaterThan(Date.now() - 5000);
  });

  test('by pong is all that it is', async () => {
    send({ type: 'pong' });
    expect(await answers()).toEqual([]);
    expect(handlers.begun).toEqual([]);
  });
});

describe('the budget', () => {
  test('is of a subject over all its connections: what is beyond it is dropped and answered', async () => {
    budget = new InboundBudget(() => 3);
    ({ handlers, source, peer, session } = open());
    const again = open();
    ping(1);
    send({ type: 'ping', id: 2 }, again.session);
    send('no JSON');
    ping(4);
    send({ type: 'ping', id: 5 }, again.session);
    expect(await answers()).toEqual([
      { error: 'bad_frame' },
      { error: 'rate_limited', retry_after: expect.closeTo(60, -0.5) as number },
    ]);
    expect(again.peer.transport.messages).toMatchObject([{ error: 'rate_limited' }]);
    expect([handlers.begun, again.handlers.begun]).toEqual([['ping 1'], ['ping 2']]);
  });

  test('has an end: who sends large messages beyond it is not read for a second each', async () => {
    budget = new InboundBudget(() => 1);
    ({ handlers, source, peer, session } = open());
    ping(1);
    ping(2);
    expect(source.log).toEqual([]);
    session.receive(Buffer.alloc(16 * 1024 + 1, ' '), false);
    expect(source.isPaused).toBe(true);
    await expect.poll(() => source.isPaused, { timeout: 5000 }).toBe(false);
  });
});

describe('a source that is held back for two reasons', () => {
  test('is let go when there is none left', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    budget = new InboundBudget(() => 1);
    ({ handlers, source, peer, session } = open());
    handlers.areHeld = true;
    ping(1);
    session.receive(Buffer.alloc(16 * 1024 + 1, ' '), false);
    for (const id of range(100)) ping(id);
    expect(source.log).toEqual(['pause']);
    vi.advanceTimersByTime(1000);
    expect(source.log).toEqual(['pause']);
    await handlers.letGo();
    await expect.poll(() => source.log).toEqual(['pause', 'resume']);
  });

  test('is held back again by what still comes', async () => {
    handlers.areHeld = true;
    for (const id of range(100)) ping(id);
    await handlers.letGo(70);
    expect(source.log).toEqual(['pause', 'resume']);
    for (const id of range(100)) ping(id);
    expect(source.log).toEqual(['pause', 'resume', 'pause']);
  });
});

test('what a connection asks for by being opened is paid for; where it cannot be it is told, and closed', async () => {
  budget = new InboundBudget(() => 1);
  ({ handlers, source, peer, session } = open());
  session.begin([{ type: 'ping', id: 1 } as Command, { type: 'ping', id: 2 } as Command]);
  ping(3);
  expect(await answers()).toMatchObject([{ error: 'rate_limited' }]);
  expect(handlers.begun).toEqual(['ping 1']);
  expect(peer.transport.closes).toEqual([CLOSE.tooMany]);
});

test('whatever arrives gives one answer or runs one command, and throws nothing', async () => {
  const text = fc.oneof(
    fc.string(),
    fc.json(),
    fc.constant('{"type":"ping","id":0}'),
    fc.constant('{"type":"subscribe"}'),
  );
  const frame = fc.oneof(
    fc.record({ data: text.map((each) => Buffer.from(each)), isBinary: fc.constant(false) }),
    fc.record({ data: fc.uint8Array({ maxLength: 50 }).map((each) => Buffer.from(each)), isBinary: fc.constant(true) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(frame), async (frames) => {
      const own = open();
      let heard = 0;
      for (const { data, isBinary } of frames) {
        if (own.peer.connection.isOpen) heard++;
        own.session.receive(data, isBinary);
        await endOfTurn();
      }
      await settled();
      expect(own.peer.transport.messages.length + own.handlers.begun.length).toBe(heard);
    }),
  );
});
