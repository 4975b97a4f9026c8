import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Connection, Hub } from '../../../src/hub/index.js';
import { CLOSE, NO_FILTER } from '../../../src/protocol/index.js';
import { connect, endOfTurn, subscriber, wanting } from '../../support/connected.js';
import { eventWith, failureFor, publicationOf, stateFor } from '../../support/publications.js';
import type { RecordingTransport } from '../../support/recording-transport.js';

const BEHIND = 256 * 1024 + 1;
const LIMIT = 1024 * 1024;

/** The reader takes all that waits for it, whatever that is. */
async function catchUp(hub: Hub, connection: Connection, transport: RecordingTransport): Promise<void> {
  transport.drain();
  hub.drain(connection);
  await endOfTurn();
}

function received({ messages }: RecordingTransport): string[] {
  return messages.map(({ kind, offset }) => `${String(kind)} ${String(offset)}`);
}

describe('events for a reader that is behind', () => {
  test('all arrive, in order, where of the states between them only the newest is left', async () => {
    const hub = new Hub();
    const { connection, transport } = subscriber(hub);
    transport.stall(BEHIND);
    const expected: string[] = [];
    for (let offset = 1; offset <= 600; offset++) {
      const isEvent = offset % 3 === 0;
      if (isEvent) expected.push(`event ${offset}`);
      hub.deliver(publicationOf(isEvent ? eventWith() : stateFor(), { offset }));
      if (offset % 7 === 0) await endOfTurn();
    }
    await endOfTurn();
    expect(transport.writes).toEqual([]);
    await catchUp(hub, connection, transport);

    expect(received(transport)).toEqual([...expected.slice(0, -1), 'state 599', 'event 600']);
    expect(connection.outbox.conflated).toBe(399);
  });

  test('are not merged where they are equal, to the byte', async () => {
    const hub = new Hub();
    const { connection, transport } = subscriber(hub);
    transport.stall(BEHIND);
    const one = publicationOf(eventWith());
    for (let time = 0; time < 300; time++) hub.deliver(one);
    await endOfTurn();
    await catchUp(hub, connection, transport);

    expect(transport.messages).toHaveLength(300);
  });

  test('all arrive that are of a type which it asked for, and no others', async () => {
    const hub = new Hub();
    const { connection, transport } = connect(hub);
    hub.subscribe(connection, { ...wanting(), events: ['placed'] });
    transport.stall(BEHIND);
    for (let offset = 1; offset <= 100; offset++) {
      const type = offset % 2 === 0 ? 'placed' : 'shipped';
      hub.deliver(publicationOf(eventWith({ type }), { offset }));
    }
    await endOfTurn();
    await catchUp(hub, connection, transport);

    expect(received(transport)).toEqual(Array.from({ length: 50 }, (_, at) => `event ${2 * at + 2}`));
  });

  test('end its connection with 4508 where they alone are too much, and nothing comes after', async () => {
    const hub = new Hub();
    const [slow, quick] = [subscriber(hub), subscriber(hub)];
    slow.transport.stall(BEHIND);
    const type = 'x'.repeat(60);
    let offset = 0;
    while (slow.connection.isOpen) {
      hub.deliver(publicationOf(eventWith({ type }), { offset: ++offset }));
      await endOfTurn();
      expect(slow.connection.outbox.queuedBytes).toBeLessThanOrEqual(BEHIND + LIMIT);
    }
    await catchUp(hub, slow.connection, slow.transport);

    expect(slow.transport.closes).toEqual([CLOSE.slowConsumer]);
    expect(slow.transport.writes).toEqual([]);
    // Who keeps up has all of them.
    expect(received(quick.transport)).toEqual(Array.from({ length: offset }, (_, at) => `event ${at + 1}`));
  });

  test('all arrive, whatever else there is and however the reader reads', async () => {
    const step = fc.oneof(
      { arbitrary: fc.constantFrom('event', 'state', 'failure', 'reply'), weight: 6 },
      { arbitrary: fc.constantFrom('end turn', 'stall', 'catch up'), weight: 2 },
    );
    let conflated = 0;
    const property = fc.asyncProperty(fc.array(step, { maxLength: 200, size: 'max' }), async (steps) => {
      const hub = new Hub();
      const { connection, transport } = subscriber(hub);
      const published: string[] = [];
      const make = { event: eventWith, state: stateFor, failure: failureFor };
      for (const [offset, what] of steps.entries()) {
        if (what === 'event' || what === 'state' || what === 'failure') {
          hub.deliver(publicationOf(what === 'event' ? make.event() : make[what](NO_FILTER), { offset }));
        } else if (what === 'reply') hub.send(connection, { kind: 'reply', offset });
        else if (what === 'end turn') await endOfTurn();
        else if (what === 'stall') transport.stall(BEHIND);
        else await catchUp(hub, connection, transport);
        published.push(`${what} ${offset}`);
      }
      await endOfTurn();
      await catchUp(hub, connection, transport);

      const isKept = (line: string) => /^(event|reply) /.test(line);
      const isState = (line: string) => /^(state|failure) /.test(line);
      const all = received(transport);
      expect(all.filter(isKept)).toEqual(published.filter(isKept));
      // In the order in which all of it was published.
      expect(all).toEqual(published.filter((line) => all.includes(line)));
      expect(all.findLast(isState)).toBe(published.findLast(isState));
      conflated += connection.outbox.conflated;
      expect(all.filter(isState)).toHaveLength(published.filter(isState).length - connection.outbox.conflated);
    });
    await fc.assert(property, { numRuns: 100 });
    expect(conflated).toBeGreaterThan(100);
  });
});
