import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Broker } from '../../src/broker/index.js';
import type { ChannelName, Millis, Position, Publication, Publishable, TenantId } from '../../src/protocol/index.js';
import { ACME, tenantId } from '../support/principals.js';
import { ORDERS, channelName, filterOf, sampleWith, stateFor } from '../support/publications.js';

export interface BrokerUnderTest {
  readonly broker: Broker;
  /** Sets the broker's clock forward, by milliseconds. */
  pass(time: Millis): void;
  close(): Promise<void> | void;
}

const GLOBEX = tenantId('globex');
const CARTS = channelName('carts.metrics');

function sample(value: number, tenant: TenantId = ACME, channel: ChannelName = ORDERS): Publishable {
  return { tenant, channel, message: sampleWith({ value }) };
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

/** What every broker keeps to, whatever it carries publications over. */
export function describeBroker(name: string, open: () => Promise<BrokerUnderTest> | BrokerUnderTest): void {
  describe(`the broker contract: ${name}`, () => {
    let broker: Broker;
    let pass: BrokerUnderTest['pass'];
    let close: BrokerUnderTest['close'];
    let received: Publication[];

    beforeEach(async () => {
      const underTest = await open();
      ({ broker } = underTest);
      pass = (time) => underTest.pass(time);
      close = () => underTest.close();
      received = [];
      broker.onPublication((publication) => received.push(publication));
    });
    afterEach(() => close());

    /** Delivery may follow the publish, so this waits for it. */
    async function delivered(count: number): Promise<Publication[]> {
      await vi.waitFor(() => expect(received.length).toBeGreaterThanOrEqual(count), { timeout: 5000, interval: 5 });
      expect(received).toHaveLength(count);
      return received;
    }

    function offsetsOf(tenant: TenantId, channel: ChannelName): number[] {
      return received.filter((each) => each.tenant === tenant && each.channel === channel).map(({ offset }) => offset);
    }

    function values(): unknown[] {
      return received.map(({ message }) => (message.kind === 'sample' ? message.value : undefined));
    }

    test('delivers what is published, with its position', async () => {
      await broker.publish([sample(7)]);
      expect(await delivered(1)).toEqual([{ ...sample(7), ...broker.position(ACME, ORDERS) }]);
      expect(broker.position(ACME, ORDERS).offset).toBe(1);
    });

    test('delivers in order', async () => {
      for (const value of range(5)) await broker.publish([sample(value)]);
      await broker.publish(range(5).map((value) => sample(value + 5)));
      await delivered(10);
      expect(values()).toEqual(range(10));
    });

    test('numbers each channel of each tenant from 1, without gaps', async () => {
      const all = range(10).flatMap((value) => [
        sample(value),
        sample(value, GLOBEX),
        sample(value, ACME, CARTS),
        ...(value % 2 === 0 ? [sample(value, GLOBEX, CARTS)] : []),
      ]);
      await broker.publish(all);
      await delivered(35);
      expect(offsetsOf(ACME, ORDERS)).toEqual(range(10));
      expect(offsetsOf(GLOBEX, ORDERS)).toEqual(range(10));
      expect(offsetsOf(ACME, CARTS)).toEqual(range(10));
      expect(offsetsOf(GLOBEX, CARTS)).toEqual(range(5));
    });

    test('keeps order and numbers in a burst that is more than a turn is for', async () => {
      const count = 2500;
      await broker.publish(range(count).map((value) => sample(value)));
      await delivered(count);
      expect(values()).toEqual(range(count));
      expect(offsetsOf(ACME, ORDERS)).toEqual(range(count));
    });

    test('does not let what is published later overtake a burst', async () => {
      const bursts = range(4).map((burst) => range(500).map((value) => burst * 1000 + value));
      await Promise.all(bursts.map((burst) => broker.publish(burst.map((value) => sample(value)))));
      await delivered(2000);
      expect(values()).toEqual(bursts.flat());
      expect(offsetsOf(ACME, ORDERS)).toEqual(range(2000));
    });

    test('numbers views that come into the middle of a burst in order of delivery', async () => {
      const published = broker.publish(range(1000).map((value) => sample(value)));
      await broker.publishHere([{ tenant: ACME, channel: ORDERS, message: stateFor() }]);
      await published;
      await delivered(1001);
      expect(offsetsOf(ACME, ORDERS)).toEqual(range(1001));
    });

    test('delivers nothing for nothing', async () => {
      await broker.publish([]);
      await broker.publishHere([]);
      await broker.publish([sample(1)]);
      expect(await delivered(1)).toMatchObject([{ offset: 1 }]);
    });

    test('gives the views of a channel at one tick one number', async () => {
      const filters = [filterOf({}), filterOf({ region: 'north' }), filterOf({ region: 'south' })];
      const views = filters.map((filter) => stateFor(filter));
      await broker.publish([sample(1)]);
      await delivered(1);
      await broker.publishHere(views.map((message) => ({ tenant: ACME, channel: ORDERS, message })));
      await delivered(4);
      expect(received.slice(1).map(({ offset }) => offset)).toEqual([2, 2, 2]);
      expect(received.slice(1).map(({ message }) => message)).toEqual(views);
      await broker.publishHere([{ tenant: ACME, channel: ORDERS, message: views[0]! }]);
      await delivered(5);
      expect(received.at(-1)!.offset).toBe(3);
    });

    test('hands on a state as it is, points and all', async () => {
      const message = stateFor();
      await broker.publishHere([{ tenant: ACME, channel: ORDERS, message }]);
      expect((await delivered(1))[0]!.message).toBe(message);
    });

    test('tells every listener of everything', async () => {
      const others: Publication[] = [];
      broker.onPublication((publication) => others.push(publication));
      await broker.publish([sample(1), sample(2)]);
      await broker.publishHere([{ tenant: ACME, channel: CARTS, message: stateFor() }]);
      await delivered(3);
      expect(others).toEqual(received);
    });

    test('knows how far each channel is', async () => {
      const offsetOf = (tenant: TenantId, channel: ChannelName) => broker.position(tenant, channel).offset;
      expect(offsetOf(ACME, ORDERS)).toBe(0);
      await broker.publish([sample(1), sample(2), sample(3, GLOBEX)]);
      await delivered(3);
      await broker.publishHere([{ tenant: ACME, channel: ORDERS, message: stateFor() }]);
      await delivered(4);
      expect(offsetOf(ACME, ORDERS)).toBe(3);
      expect(offsetOf(GLOBEX, ORDERS)).toBe(1);
      expect(offsetOf(ACME, CARTS)).toBe(0);
    });

    test('is in one epoch as long as it counts on', async () => {
      const before = broker.position(ACME, ORDERS).epoch;
      expect(before).not.toBe('');
      await broker.publish([sample(1)]);
      await delivered(1);
      expect(broker.position(ACME, ORDERS)).toEqual({ epoch: before, offset: 1 });
    });

    describe('what was missed', () => {
      const MINUTE: Millis = 60_000;
      const epoch = () => broker.position(ACME, ORDERS).epoch;
      const at = (offset: number, of = epoch()): Position => ({ epoch: of, offset });
      const positions = (...pairs: [ChannelName, Position][]) => new Map(pairs);
      const publish = async (...publications: Publishable[]) => {
        const before = received.length;
        await broker.publish(publications);
        await delivered(before + publications.length);
      };

      test('is what came after a position, in order and as it was delivered', async () => {
        await publish(...range(5).map((value) => sample(value)));
        const { recovered, publications } = broker.since(ACME, positions([ORDERS, at(2)]));
        expect([...recovered]).toEqual([ORDERS]);
        expect(publications).toEqual(received.slice(2));
      });

      test('is nothing where a channel stands still', async () => {
        await publish(sample(1));
        expect(broker.since(ACME, positions([ORDERS, at(1)], [CARTS, at(0)]))).toEqual({
          recovered: new Set([ORDERS, CARTS]),
          publications: [],
        });
      });

      test('of several channels comes in the order in which it was delivered', async () => {
        await publish(sample(1), sample(2, ACME, CARTS), sample(3), sample(4, ACME, CARTS), sample(5));
        const { publications } = broker.since(ACME, positions([CARTS, at(0)], [ORDERS, at(1)]));
        expect(publications).toEqual(received.slice(1));
      });

      test('is that of one tenant', async () => {
        await publish(sample(1), sample(2, GLOBEX), sample(3));
        const { publications } = broker.since(GLOBEX, positions([ORDERS, at(0)]));
        expect(publications).toMatchObject([{ tenant: GLOBEX, offset: 1 }]);
        expect(publications).toHaveLength(1);
      });

      test('is not known from another epoch, nor from a number that was never given', async () => {
        await publish(sample(1), sample(2, ACME, CARTS));
        const { recovered, publications } = broker.since(
          ACME,
          positions([ORDERS, at(1, 'another')], [CARTS, at(2)], [channelName('stock.metrics'), at(1)]),
        );
        expect(recovered.size).toBe(0);
        expect(publications).toEqual([]);
      });

      test('is known of one channel where it is not of another', async () => {
        await publish(sample(1), sample(2, ACME, CARTS));
        const { recovered, publications } = broker.since(ACME, positions([ORDERS, at(0, 'another')], [CARTS, at(0)]));
        expect([...recovered]).toEqual([CARTS]);
        expect(publications).toEqual([received[1]]);
      });

      test('is at most 300 publications, whatever other channels do', async () => {
        await publish(...range(310).flatMap((value) => [sample(value), sample(value, ACME, CARTS)]));
        await publish(...range(500).map((value) => sample(value, GLOBEX)));
        expect(broker.since(ACME, positions([ORDERS, at(9)])).recovered.size).toBe(0);
        const { recovered, publications } = broker.since(ACME, positions([ORDERS, at(10)]));
        expect(recovered.size).toBe(1);
        expect(publications.map(({ offset }) => offset)).toEqual(range(310).slice(10));
      });

      test('is not older than five minutes', async () => {
        await publish(sample(1));
        pass(MINUTE);
        await publish(sample(2));
        pass(4 * MINUTE - 1000);
        expect(broker.since(ACME, positions([ORDERS, at(0)])).publications).toEqual(received);
        pass(2000);
        expect(broker.since(ACME, positions([ORDERS, at(0)])).recovered.size).toBe(0);
        expect(broker.since(ACME, positions([ORDERS, at(1)])).publications).toEqual(received.slice(1));
        pass(MINUTE);
        expect(broker.since(ACME, positions([ORDERS, at(1)])).recovered.size).toBe(0);
        expect(broker.since(ACME, positions([ORDERS, at(2)]))).toEqual({
          recovered: new Set([ORDERS]),
          publications: [],
        });
      });

      test('counts views that share a number as one, and has all of them', async () => {
        const views = range(5).map((shop) => stateFor(filterOf({ shop: String(shop) })));
        for (let tick = 1; tick <= 300; tick++) {
          await broker.publishHere(views.map((message) => ({ tenant: ACME, channel: ORDERS, message })));
        }
        await delivered(1500);
        const { publications } = broker.since(ACME, positions([ORDERS, at(0)]));
        expect(publications).toEqual(received);
        await broker.publish([sample(1)]);
        await delivered(1501);
        expect(broker.since(ACME, positions([ORDERS, at(0)])).recovered.size).toBe(0);
        expect(broker.since(ACME, positions([ORDERS, at(1)])).publications).toEqual(received.slice(5));
      });

      test('has samples and states of a channel in the order of their numbers', async () => {
        const state = { tenant: ACME, channel: ORDERS, message: stateFor() };
        for (let round = 0; round < 3; round++) {
          await broker.publish([sample(round)]);
          await broker.publishHere([state]);
        }
        await delivered(6);
        expect(broker.since(ACME, positions([ORDERS, at(1)])).publications).toEqual(received.slice(1));
      });

      test('of other channels is what was delivered after the last one of this', async () => {
        await publish(sample(1, ACME, CARTS), sample(2), sample(3, ACME, CARTS), sample(4), sample(5, ACME, CARTS));
        const stood = broker.positionsAt(ACME, ORDERS, at(1), [ORDERS, CARTS]);
        expect(stood).toEqual(positions([ORDERS, at(1)], [CARTS, at(1)]));
        expect(broker.since(ACME, stood).publications).toEqual(received.slice(2));
        expect(broker.positionsAt(ACME, ORDERS, at(2), [CARTS])).toEqual(positions([CARTS, at(2)]));
      });

      test('of other channels is known as long as nothing of it is forgotten', async () => {
        await publish(sample(1), sample(2, ACME, CARTS), ...range(299).map((value) => sample(value, ACME, CARTS)));
        expect(broker.positionsAt(ACME, ORDERS, at(1), [CARTS])).toEqual(positions([CARTS, at(0)]));
        await publish(sample(3, ACME, CARTS));
        expect(broker.positionsAt(ACME, ORDERS, at(1), [ORDERS, CARTS])).toEqual(positions([ORDERS, at(1)]));
        expect(broker.positionsAt(ACME, CARTS, at(1), [ORDERS, CARTS])).toEqual(
          positions([ORDERS, at(1)], [CARTS, at(1)]),
        );
      });

      test.each([
        ['of another epoch', () => at(1, 'another')],
        ['that was never given', () => at(9)],
      ])('of other channels is not known from a position %s', async (_what, position) => {
        await publish(sample(1), sample(2, ACME, CARTS));
        expect(broker.positionsAt(ACME, ORDERS, position(), [ORDERS, CARTS]).size).toBe(0);
      });

      test('of other channels is not known from a position that is forgotten', async () => {
        await publish(sample(1), sample(2));
        pass(6 * MINUTE);
        await publish(sample(3, ACME, CARTS));
        expect(broker.positionsAt(ACME, ORDERS, at(1), [ORDERS, CARTS]).size).toBe(0);
        expect(broker.positionsAt(ACME, ORDERS, at(2), [ORDERS, CARTS])).toEqual(
          positions([ORDERS, at(2)], [CARTS, at(0)]),
        );
      });
    });
  });
}
