import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Connection, Hub } from '../../../src/hub/index.js';
import { CLOSE } from '../../../src/protocol/index.js';
import { connect, endOfTurn } from '../../support/connected.js';
import { eventWith, failureFor, sampleWith, stateFor } from '../../support/publications.js';
import type { RecordingTransport } from '../../support/recording-transport.js';
import { type Action, CHANNELS, TENANTS, action, open } from './hub-actions.js';
import { type NaiveConnection, NaiveHub } from './naive-hub.js';

/** The hub and the naive one, told the same. */
class Pair {
  readonly hub = new Hub();
  readonly naive = new NaiveHub();
  readonly #real: { connection: Connection; transport: RecordingTransport }[] = [];
  readonly #told = new Set<string>();
  #offset = 0;

  constructor() {
    this.hub.audiences.onDemand((tenant, channel, isWatched) => {
      const key = `${tenant} ${channel}`;
      expect(this.#told.has(key), `${key} told twice`).toBe(!isWatched);
      expect(this.hub.audiences.isWatched(tenant, channel)).toBe(isWatched);
      if (isWatched) this.#told.add(key);
      else this.#told.delete(key);
    });
  }

  async apply(action: Action): Promise<void> {
    switch (action.do) {
      case 'open': {
        const { tenant, dialect, framing, tokenFilter } = action;
        this.naive.open(tenant, dialect.name, framing.name, tokenFilter);
        this.#real.push(connect(this.hub, { principal: { tenant, filter: tokenFilter }, dialect, framing }));
        return;
      }
      case 'subscribe':
        return this.#with(action.who, (naive, connection) => {
          const { channel, filter, format, events } = action;
          if (naive.isOpen) naive.wants.set(channel, { filter, format, events });
          this.hub.subscribe(connection, { channel, filter, format, events });
        });
      case 'unsubscribe':
        return this.#with(action.who, (naive, connection) => {
          for (const channel of action.channels ?? [...naive.wants.keys()]) naive.wants.delete(channel);
          this.hub.unsubscribe(connection, action.channels);
        });
      case 'reframe':
        return this.#with(action.who, (naive, connection) => {
          naive.framing = action.framing.name;
          this.hub.reframe(connection, action.framing);
        });
      case 'close':
        return this.#with(action.who, (naive, connection) => {
          this.naive.close(naive, action.isTold);
          this.hub.close(connection, action.isTold ? CLOSE.goingAway : undefined);
        });
      case 'deliver':
        return this.#deliver(action);
      case 'end turn':
        this.naive.endTurn();
        return endOfTurn();
    }
  }

  /** What the hub says about itself agrees with the naive one. */
  check(): void {
    const { naive, hub } = this;
    const { watched } = naive;
    const all = TENANTS.flatMap((tenant) =>
      CHANNELS.map((channel) => ({ tenant, channel, key: `${tenant} ${channel}` })),
    );
    const keys = (those: typeof all) => those.map(({ key }) => key).sort();
    expect([...this.#told].sort()).toEqual(watched);
    expect(keys(all.filter(({ tenant, channel }) => hub.audiences.isWatched(tenant, channel)))).toEqual(watched);
    expect(keys(all.filter(({ tenant, channel }) => hub.audiences.filtersOf(tenant, channel).size > 0))).toEqual(
      watched,
    );
    expect(this.#real.map(({ connection }) => [connection.channels, hub.connections.has(connection.id)])).toEqual(
      naive.connections.map(({ wants, isOpen }) => [[...wants.keys()].sort(), isOpen]),
    );
  }

  /** Everyone got what it should have, in order. */
  checkReceived(): void {
    this.naive.connections.forEach(({ received }, at) => {
      const { transport } = this.#real[at]!;
      expect(transport.lines).toEqual(received);
      expect(transport.late).toBe(0);
    });
  }

  #with(index: number, act: (naive: NaiveConnection, connection: Connection) => void): void {
    if (this.#real.length === 0) return;
    const at = index % this.#real.length;
    act(this.naive.connections[at]!, this.#real[at]!.connection);
  }

  #deliver({ tenant, channel, kind, tags, eventType, collectedFor }: Action & { do: 'deliver' }): void {
    const make = {
      sample: () => sampleWith({ tags }),
      event: () => eventWith({ type: eventType, tags }),
      state: stateFor,
      failure: failureFor,
    };
    const message = make[kind](collectedFor);
    const offset = ++this.#offset;
    this.naive.deliver(tenant, channel, message, offset, collectedFor);
    this.hub.deliver({ tenant, channel, message, epoch: 'e', offset });
  }
}

test('everyone gets what a naive hub would send, and demand is told once, whatever happens', async () => {
  let received = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(open, { minLength: 1, maxLength: 6 }),
      fc.array(action, { maxLength: 120, size: 'max' }),
      async (opens, actions) => {
        const pair = new Pair();
        for (const each of [...opens, ...actions]) {
          await pair.apply(each);
          pair.check();
        }
        await pair.apply({ do: 'end turn' });
        pair.checkReceived();
        received += pair.naive.connections.reduce((sum, connection) => sum + connection.received.length, 0);

        for (let at = 0; at < pair.naive.connections.length; at++)
          await pair.apply({ do: 'close', who: at, isTold: true });
        pair.check();
        expect(pair.hub.connections.size).toBe(0);
        expect(pair.naive.watched).toEqual([]);
      },
    ),
    { numRuns: 200 },
  );
  // A model in which nobody gets anything would agree with anything.
  expect(received).toBeGreaterThan(500);
});
