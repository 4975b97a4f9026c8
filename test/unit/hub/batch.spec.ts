import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Batch } from '../../../src/hub/batch.js';
import { Hub } from '../../../src/hub/index.js';
import type { Delivery } from '../../../src/hub/delivery.js';
import { NO_FILTER } from '../../../src/protocol/index.js';
import { type Connected, connect, endOfTurn, subscriber, wanting } from '../../support/connected.js';
import { PlainDialect, lineFraming } from '../../support/plain-dialect.js';
import { channelName, eventWith, filterOf, publicationOf, sampleWith } from '../../support/publications.js';
import { event, ownFrame } from './deliveries.js';

const CARTS = channelName('carts.metrics');

afterEach(() => void vi.restoreAllMocks());

function batchOf(...deliveries: Delivery[]): Batch {
  return from(Batch.empty(), ...deliveries);
}

function from(batch: Batch, ...deliveries: Delivery[]): Batch {
  return deliveries.reduce((all, delivery) => all.and(delivery), batch);
}

/** The buffers that were written to these, each counted once. */
function buffersOf(members: readonly Connected[]): Set<Buffer> {
  return new Set(members.flatMap(({ transport }) => transport.writes));
}

describe('a batch', () => {
  const [a, b, c] = [event('a'), event('b'), event('c')];

  test('is its frames in their order, in one buffer', () => {
    const batch = batchOf(a, b, c);
    expect(batch.bytes).toEqual(Buffer.concat([a.frame, b.frame, c.frame]));
    expect(batch.length).toBe(batch.bytes.length);
    expect(batch.deliveries).toEqual([a, b, c]);
  });

  test('of one delivery is the frame itself', () => {
    expect(batchOf(a).bytes).toBe(a.frame);
    const own = ownFrame('own');
    expect(batchOf(own).bytes).toBe(own.frame);
  });

  test('is the same one for the same deliveries in the same order', () => {
    const root = Batch.empty();
    expect(from(root, a, b, c)).toBe(from(root, a, b, c));
    expect(from(root, a, b, c).bytes).toBe(from(root, a, b, c).bytes);
  });

  test('is another one for others, or for the same in another order', () => {
    const root = Batch.empty();
    const all = [from(root, a, b), from(root, b, a), from(root, a), from(root, a, c), from(root, a, b, c)];
    expect(new Set(all).size).toBe(5);
    expect(all.map(({ deliveries }) => deliveries)).toEqual([[a, b], [b, a], [a], [a, c], [a, b, c]]);
  });

  test('with a frame of one connection alone is shared with nobody', () => {
    const root = Batch.empty();
    const own = ownFrame('own');
    expect(from(root, a, own)).not.toBe(from(root, a, own));
    expect(from(root, a, own, b)).not.toBe(from(root, a, own, b));
    expect(from(root, a, own, b).deliveries).toEqual([a, own, b]);
    // The others share on.
    expect(from(root, a, b)).toBe(from(root, a, b));
  });

  test('is the same one exactly where what it holds is the same, however many go which ways', () => {
    const some = Array.from({ length: 4 }, (_, at) => event(`${at}`));
    const ways = fc.array(fc.array(fc.constantFrom(...some), { minLength: 1, maxLength: 5 }), { maxLength: 40 });
    fc.assert(
      fc.property(ways, (all) => {
        const root = Batch.empty();
        const bySequence = new Map<string, Batch>();
        for (const way of all) {
          const batch = from(root, ...way);
          const sequence = way.map((delivery) => some.indexOf(delivery)).join();
          expect(batch).toBe(bySequence.get(sequence) ?? batch);
          bySequence.set(sequence, batch);
          expect(batch.deliveries).toEqual(way);
          expect(batch.bytes.equals(Buffer.concat(way.map(({ frame }) => frame)))).toBe(true);
        }
        expect(new Set(bySequence.values()).size).toBe(bySequence.size);
      }),
    );
  });
});

describe('what a turn brings', () => {
  test('is put together once for all members of an audience', async () => {
    const hub = new Hub();
    const members = Array.from({ length: 100 }, () => subscriber(hub));
    const concatenations = vi.spyOn(Buffer, 'concat');
    for (let offset = 1; offset <= 8; offset++) hub.deliver(publicationOf(sampleWith(), { offset }));
    await endOfTurn();

    expect(concatenations).toHaveBeenCalledTimes(1);
    for (const { transport } of members) expect(transport.writes).toHaveLength(1);
    expect(buffersOf(members).size).toBe(1);
    expect(members[0]!.transport.messages.map(({ offset }) => offset)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test('is put together once for audiences that differ in their filter alone, as long as it is for all', async () => {
    const hub = new Hub();
    const options = { dialect: new PlainDialect(), framing: lineFraming() };
    const filters = [NO_FILTER, filterOf({ env: 'a' }), filterOf({ env: ['a', 'b'] }), filterOf({ region: 'north' })];
    const members = Array.from({ length: 100 }, (_, at) =>
      subscriber(hub, { ...options, filter: filters[at % filters.length]! }),
    );
    const concatenations = vi.spyOn(Buffer, 'concat');
    const tags = { env: 'a', region: 'north' };
    for (let offset = 1; offset <= 8; offset++) hub.deliver(publicationOf(sampleWith({ tags }), { offset }));
    await endOfTurn();

    expect(buffersOf(members).size).toBe(1);
    expect(concatenations).toHaveBeenCalledTimes(1);
    expect(options.dialect.renders).toBe(8);
    expect(options.framing.frames).toBe(8);
  });

  test('is put together once for each sequence, where filters let different things through', async () => {
    const hub = new Hub();
    const filters = [NO_FILTER, filterOf({ env: 'a' }), filterOf({ env: 'b' })];
    const members = Array.from({ length: 99 }, (_, at) => subscriber(hub, { filter: filters[at % 3]! }));
    const concatenations = vi.spyOn(Buffer, 'concat');
    ['a', 'b', 'a', 'b', 'b'].forEach((env, at) =>
      hub.deliver(publicationOf(sampleWith({ tags: { env } }), { offset: at + 1 })),
    );
    await endOfTurn();

    expect(concatenations).toHaveBeenCalledTimes(3);
    expect(buffersOf(members).size).toBe(3);
    const expected = [
      [1, 2, 3, 4, 5],
      [1, 3],
      [2, 4, 5],
    ];
    members.forEach(({ transport }, at) =>
      expect(transport.messages.map(({ offset }) => offset)).toEqual(expected[at % 3]),
    );
  });

  test('is put together once for those who watch the same channels, however these take turns', async () => {
    const hub = new Hub();
    const members = Array.from({ length: 90 }, (_, at) => {
      const member = at % 3 === 0 ? connect(hub) : subscriber(hub);
      if (at % 3 !== 1) hub.subscribe(member.connection, wanting({ channel: CARTS }));
      return member;
    });
    const concatenations = vi.spyOn(Buffer, 'concat');
    for (let offset = 1; offset <= 6; offset++) {
      hub.deliver(publicationOf(eventWith(), offset % 2 === 0 ? { offset, channel: CARTS } : { offset }));
    }
    await endOfTurn();

    expect(concatenations).toHaveBeenCalledTimes(3);
    const expected = [
      [2, 4, 6],
      [1, 3, 5],
      [1, 2, 3, 4, 5, 6],
    ];
    members.forEach(({ transport }, at) =>
      expect(transport.messages.map(({ offset }) => offset)).toEqual(expected[at % 3]),
    );
    expect(buffersOf(members).size).toBe(3);
  });

  test('is of its own for who is told something alone, and the same for all others', async () => {
    const hub = new Hub();
    const members = Array.from({ length: 10 }, () => subscriber(hub));
    hub.deliver(publicationOf(sampleWith()));
    hub.send(members[3]!.connection, { offset: 'own' });
    hub.deliver(publicationOf(sampleWith(), { offset: 2 }));
    await endOfTurn();

    const { transport } = members[3]!;
    expect(transport.messages.map(({ offset }) => offset)).toEqual([1, 'own', 2]);
    expect(buffersOf(members).size).toBe(2);
    expect(buffersOf(members.toSpliced(3, 1)).size).toBe(1);
  });

  test('is shared with nothing that another turn brings', async () => {
    const hub = new Hub();
    const members = [subscriber(hub), subscriber(hub)];
    for (const offset of [1, 2]) {
      hub.deliver(publicationOf(sampleWith(), { offset }));
      await endOfTurn();
    }
    expect(buffersOf(members).size).toBe(2);
    for (const { transport } of members) expect(transport.messages.map(({ offset }) => offset)).toEqual([1, 2]);
  });
});
