import { once } from 'node:events';
import { type Socket, connect as connectTo, createServer } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { type Connection, Hub } from '../../../src/hub/index.js';
import { Turn } from '../../../src/hub/turn.js';
import type { Millis } from '../../../src/protocol/index.js';
import { type Connected, connect, endOfTurn, subscriber } from '../../support/connected.js';
import { eventWith, publicationOf, sampleWith } from '../../support/publications.js';
import { event, textsOf } from './deliveries.js';

/** As long as flushes may keep the event loop to themselves. */
const SLICE: Millis = 8;

/** A turn in which time passes with flushes alone, each of which takes so long. */
function slowTurn(flushTime: Millis) {
  let now = 0;
  const flushed: { readonly connection: Connection; readonly at: Millis; readonly slice: number }[] = [];
  let slice = 0;
  const turn = new Turn(
    () => now,
    (connection, at) => {
      // What is asked for first in a slice runs after all of it.
      if (flushed.at(-1)?.slice !== slice) setImmediate(() => slice++);
      flushed.push({ connection, at, slice });
      now += flushTime;
      connection.outbox.flush(at);
    },
  );
  return { turn, flushed };
}

function connected(count: number): Connected[] {
  const hub = new Hub();
  return Array.from({ length: count }, () => connect(hub));
}

/** Resolves once all that is on its way has been flushed. */
async function allFlushed(members: readonly Connected[]): Promise<void> {
  while (members.some(({ connection }) => !connection.outbox.isEmpty)) await endOfTurn();
}

describe('a turn', () => {
  test('flushes nothing before it ends, and each connection once', async () => {
    const { turn, flushed } = slowTurn(0);
    const members = connected(3);
    for (const text of ['a', 'b']) {
      const delivery = event(text);
      for (const { connection } of members) turn.add(connection, delivery);
    }
    await Promise.resolve();
    expect(flushed).toEqual([]);
    await endOfTurn();
    expect(flushed.map(({ connection }) => connection)).toEqual(members.map(({ connection }) => connection));
    for (const { transport } of members) expect(textsOf(transport)).toEqual(['a', 'b']);
  });

  test('cuts a long fan-out, and everybody gets everything once and in order', async () => {
    const { turn, flushed } = slowTurn(0.1);
    const members = connected(10_000);
    for (const text of ['a', 'b', 'c']) {
      const delivery = event(text);
      for (const { connection } of members) turn.add(connection, delivery);
    }
    await allFlushed(members);

    expect(flushed.map(({ connection }) => connection)).toEqual(members.map(({ connection }) => connection));
    for (const { transport } of members) expect(transport.writes).toHaveLength(1);
    expect(new Set(members.map(({ transport }) => transport.writes[0])).size).toBe(1);
    expect(textsOf(members[0]!.transport)).toEqual(['a', 'b', 'c']);
    const sizes: number[] = [];
    for (const { slice } of flushed) sizes[slice] = (sizes[slice] ?? 0) + 1;
    // The clock is looked at now and then, so that a slice may end somewhat late.
    expect(Math.max(...sizes) * 0.1).toBeLessThan(2 * SLICE);
    expect(sizes[0]! * 0.1).toBeGreaterThanOrEqual(SLICE);
  });

  test('is not cut where it is short', async () => {
    const { turn, flushed } = slowTurn(0.0007);
    const members = connected(10_000);
    const delivery = event('a');
    for (const { connection } of members) turn.add(connection, delivery);
    await endOfTurn();
    expect(flushed).toHaveLength(10_000);
  });

  test('goes on however long a single flush takes', async () => {
    const { turn, flushed } = slowTurn(100 * SLICE);
    const members = connected(200);
    const delivery = event('a');
    for (const { connection } of members) turn.add(connection, delivery);
    await allFlushed(members);
    expect(flushed).toHaveLength(200);
  });

  test('tells with each flush what time it is, as far as that matters', async () => {
    const { turn, flushed } = slowTurn(0.1);
    const members = connected(1000);
    const delivery = event('a');
    for (const { connection } of members) turn.add(connection, delivery);
    await allFlushed(members);
    flushed.forEach(({ at }, index) => {
      expect(at).toBeLessThanOrEqual(index * 0.1 + 0.001);
      expect(at).toBeGreaterThan(index * 0.1 - SLICE);
    });
  });
});

describe('what has left', () => {
  test('is held on to by nothing, once the next turn has begun', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const { turn } = slowTurn(0);
    const members = connected(2);
    const publish = () => {
      const delivery = event('a');
      for (const { connection } of members) turn.add(connection, delivery);
      return new WeakRef(delivery);
    };
    const left = publish();
    await endOfTurn();
    const next = publish();
    await endOfTurn();
    collectGarbage();
    expect([left.deref(), next.deref()]).toEqual([undefined, undefined]);
  });
});

describe('a flush that throws', () => {
  test('does not keep the others waiting', async () => {
    const hub = new Hub();
    const members = Array.from({ length: 3 }, () => subscriber(hub));
    const failure = new Error('cannot be written');
    members[1]!.transport.write = () => {
      throw failure;
    };
    const thrown = uncaughtException();
    hub.deliver(publicationOf(eventWith()));
    expect(await thrown).toBe(failure);
    await endOfTurn();
    expect(members.map(({ transport }) => transport.lines.length)).toEqual([1, 0, 1]);
    hub.close(members[1]!.connection);
    hub.deliver(publicationOf(eventWith(), { offset: 2 }));
    await endOfTurn();
    expect(members.map(({ transport }) => transport.lines.length)).toEqual([2, 0, 2]);
  });
});

describe('between two slices of a long fan-out', () => {
  test('what comes in is heard', async () => {
    const { turn, flushed } = slowTurn(0.1);
    const members = connected(10_000);
    const [one, other] = await socketPair();
    const heard = once(other, 'data').then(() => flushed.length);
    const delivery = event('a');
    for (const { connection } of members) turn.add(connection, delivery);
    one.write('inbound');
    await allFlushed(members);

    expect(await heard).toBeGreaterThan(0);
    expect(await heard).toBeLessThan(5000);
    one.destroy();
  });

  test('what is published leaves together with what waits, and after what has left', async () => {
    const { turn, flushed } = slowTurn(0.1);
    const members = connected(1000);
    const [early, late] = [event('early'), event('late')];
    for (const { connection } of members) turn.add(connection, early);
    await endOfTurn();
    const before = flushed.length;
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThan(1000);
    for (const { connection } of members) turn.add(connection, late);
    await allFlushed(members);

    for (const { transport } of members) expect(textsOf(transport)).toEqual(['early', 'late']);
    const writes = members.map(({ transport }) => transport.writes.length);
    expect(writes).toEqual([...Array<number>(before).fill(2), ...Array<number>(1000 - before).fill(1)]);
    // Put together once for those who wait, and not at all for the others.
    expect(new Set(members.flatMap(({ transport }) => transport.writes)).size).toBe(3);
  });

  test('who is published to by a flush itself comes after all who wait', async () => {
    const flushed: Connection[] = [];
    const members = connected(100).map(({ connection }) => connection);
    const [first] = members;
    let now = 0;
    const turn = new Turn(
      () => now,
      (connection) => {
        now += SLICE;
        flushed.push(connection);
        connection.outbox.flush(now);
        if (flushed.length === 1) turn.add(first!, event('b'));
      },
    );
    const delivery = event('a');
    for (const connection of members) turn.add(connection, delivery);
    while (flushed.length < 101) await endOfTurn();
    expect(flushed).toEqual([...members, first]);
  });

  test('who is published to by the very last flush is flushed as well', async () => {
    const [member] = connected(1);
    const { connection, transport } = member!;
    const turn = new Turn(
      () => 0,
      () => {
        connection.outbox.flush(0);
        if (transport.writes.length === 1) turn.add(connection, event('b'));
      },
    );
    turn.add(connection, event('a'));
    await allFlushed([member!]);
    expect(textsOf(transport)).toEqual(['a', 'b']);
  });
});

describe('a connection', () => {
  test('whose reader reads on in the middle of a turn gets it in one piece all the same', async () => {
    const hub = new Hub();
    const [early, other] = [subscriber(hub), subscriber(hub)];
    hub.deliver(publicationOf(eventWith()));
    hub.drain(early.connection);
    expect(early.transport.writes).toEqual([]);
    hub.deliver(publicationOf(eventWith(), { offset: 2 }));
    await endOfTurn();
    expect(early.transport.messages.map(({ offset }) => offset)).toEqual([1, 2]);
    expect(early.transport.writes).toHaveLength(1);
    expect(other.transport.messages.map(({ offset }) => offset)).toEqual([1, 2]);
    expect(other.transport.writes).toHaveLength(1);
  });

  test('that closes between two slices is sent nothing more, and holds up nobody', async () => {
    let now = 0;
    const hub = new Hub(Date.now, () => (now += 100));
    const members = Array.from({ length: 100 }, () => subscriber(hub));
    hub.deliver(publicationOf(sampleWith()));
    await endOfTurn();
    const waiting = members.filter(({ connection }) => !connection.outbox.isEmpty);
    expect(waiting.length).toBeGreaterThan(50);
    for (const { connection } of waiting.splice(0, 20)) hub.close(connection);
    await allFlushed(members);
    const received = members.map(({ transport }) => transport.lines.length);
    expect(received.filter((count) => count === 0)).toHaveLength(20);
    for (const { transport } of waiting) expect(transport.lines).toHaveLength(1);
  });
});

/** The next error that nobody catches; nobody else is told of it. */
function uncaughtException(): Promise<unknown> {
  const others = process.rawListeners('uncaughtException') as NodeJS.UncaughtExceptionListener[];
  process.removeAllListeners('uncaughtException');
  return new Promise((resolve) => {
    process.once('uncaughtException', (error) => {
      for (const listener of others) process.on('uncaughtException', listener);
      resolve(error);
    });
  });
}

/** The two ends of a connection over loopback. */
async function socketPair(): Promise<[Socket, Socket]> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const { port } = server.address() as { port: number };
  const one = connectTo(port, '127.0.0.1');
  const [[other]] = await Promise.all([accepted, once(one, 'connect')]);
  server.close();
  return [one, other];
}
