import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Hub } from '../../../src/hub/index.js';
import { type ChannelName, CLOSE } from '../../../src/protocol/index.js';
import { connect, endOfTurn, wanting } from '../../support/connected.js';
import { lineFraming } from '../../support/plain-dialect.js';
import { ORDERS, channelName, filterOf, publicationOf, sampleWith } from '../../support/publications.js';

const CHANNELS = [ORDERS, channelName('carts.metrics')];

/** One connection as one would write it who sends all that was kept at once. */
class NaiveReader {
  isOpen = true;
  readonly received: number[] = [];
  /** What is kept of each channel that it is subscribed to; nothing where it is sent what is published. */
  readonly #channels = new Map<ChannelName, number[] | undefined>();

  begin(channel: ChannelName, isHeld: boolean): void {
    if (this.isOpen) this.#channels.set(channel, isHeld ? [] : undefined);
  }

  end(channel: ChannelName): void {
    this.#channels.delete(channel);
  }

  release(channel: ChannelName, wasSent: (offset: number) => boolean): void {
    const held = this.#channels.get(channel);
    if (!held || !this.isOpen) return;
    this.received.push(...held.filter((offset) => !wasSent(offset)));
    this.#channels.set(channel, undefined);
  }

  deliver(channel: ChannelName, offset: number): void {
    if (!this.isOpen || !this.#channels.has(channel)) return;
    (this.#channels.get(channel) ?? this.received).push(offset);
  }
}

const channel = fc.constantFrom(...CHANNELS);
const action = fc.oneof(
  {
    arbitrary: fc.record({ do: fc.constant('publish' as const), channel, count: fc.integer({ min: 1, max: 1500 }) }),
    weight: 30,
  },
  {
    arbitrary: fc.record({
      do: fc.constantFrom('hold' as const, 'hold' as const, 'subscribe' as const),
      channel,
    }),
    weight: 12,
  },
  { arbitrary: fc.record({ do: fc.constant('release' as const), channel }), weight: 20 },
  { arbitrary: fc.record({ do: fc.constant('unsubscribe' as const), channel }), weight: 4 },
  { arbitrary: fc.constant({ do: 'end turn' as const }), weight: 40 },
  { arbitrary: fc.constantFrom({ do: 'renew' as const }, { do: 'reframe' as const }), weight: 8 },
  { arbitrary: fc.constant({ do: 'close' as const }), weight: 1 },
);

type Action = typeof action extends fc.Arbitrary<infer One> ? One : never;

test('nothing that was released is lost or doubled, whatever becomes of its connection meanwhile', async () => {
  let sent = 0;
  let partly = 0;
  const begin = CHANNELS.map((each): Action => ({ do: 'hold', channel: each }));
  const actions = fc.array(action, { minLength: 10, maxLength: 40, size: 'max' }).map((all) => [...begin, ...all]);
  const property = fc.asyncProperty(actions, async (all) => {
    const hub = new Hub();
    const { connection, transport } = connect(hub);
    const naive = new NaiveReader();
    let [offset, framings] = [0, 0];
    for (const each of all) {
      switch (each.do) {
        case 'publish':
          for (let count = 0; count < each.count; count++) {
            hub.deliver(publicationOf(sampleWith(), { offset: ++offset, channel: each.channel }));
            naive.deliver(each.channel, offset);
          }
          break;
        case 'hold':
        case 'subscribe':
          hub[each.do](connection, wanting({ channel: each.channel }));
          naive.begin(each.channel, each.do === 'hold');
          break;
        case 'release': {
          const wasSent = (number: number) => number % 10 === 0;
          hub.release(connection, each.channel, (publication) => wasSent(publication.offset));
          naive.release(each.channel, wasSent);
          break;
        }
        case 'unsubscribe':
          hub.unsubscribe(connection, [each.channel]);
          naive.end(each.channel);
          break;
        case 'renew':
          hub.renew(connection, { ...connection.principal, filter: filterOf({}) });
          break;
        case 'reframe':
          hub.reframe(connection, lineFraming(`lines ${++framings}`));
          break;
        case 'close':
          hub.close(connection, CLOSE.goingAway);
          naive.isOpen = false;
          break;
        case 'end turn':
          await endOfTurn();
          if (transport.messages.length < naive.received.length) partly++;
      }
    }
    for (let turn = 0; turn < 100; turn++) await endOfTurn();
    const offsets = transport.messages.map((message) => message['offset'] as number);
    // Of several channels, each by itself: what is published on the one need not wait for what was kept of the other.
    for (const each of CHANNELS) {
      const own = new Set(
        transport.messages.filter((message) => message['channel'] === each).map(({ offset: at }) => at),
      );
      expect(offsets.filter((at) => own.has(at))).toEqual(naive.received.filter((at) => own.has(at)));
    }
    expect(offsets.toSorted((one, other) => one - other)).toEqual(naive.received.toSorted((one, other) => one - other));
    sent += offsets.length;
  });
  await fc.assert(property, { numRuns: 50 });
  // A model in which nothing is sent in parts would agree with anything.
  expect(sent).toBeGreaterThan(10_000);
  expect(partly).toBeGreaterThan(15);
});
