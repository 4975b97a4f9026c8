import { expect, test } from 'vitest';
import { MemoryBroker } from '../../../src/broker/index.js';
import type { Publishable } from '../../../src/protocol/index.js';
import { describeBroker } from '../../contract/broker.contract.js';
import { endOfTurn } from '../../support/connected.js';
import { ACME } from '../../support/principals.js';
import { ORDERS, sampleWith } from '../../support/publications.js';

describeBroker('MemoryBroker', () => {
  let now = 0;
  return { broker: new MemoryBroker(() => now), pass: (time) => (now += time), close: () => undefined };
});

function samples(count: number): Publishable[] {
  return Array.from({ length: count }, (_, value) => ({
    tenant: ACME,
    channel: ORDERS,
    message: sampleWith({ value }),
  }));
}

test('a broker that forgot its numbers is in another epoch', () => {
  const [one, other] = [new MemoryBroker(), new MemoryBroker()];
  expect(other.position(ACME, ORDERS).epoch).not.toBe(one.position(ACME, ORDERS).epoch);
});

test('what is published in memory is delivered in the same turn', async () => {
  const broker = new MemoryBroker();
  let delivered = 0;
  broker.onPublication(() => delivered++);
  void broker.publish(samples(200));
  await endOfTurn();
  expect(delivered).toBe(200);
});

test('a burst leaves turns of the event loop to the sockets', async () => {
  const broker = new MemoryBroker();
  let delivered = 0;
  broker.onPublication(() => delivered++);
  const published = broker.publish(samples(10_000));
  const seen: number[] = [];
  while (delivered < 10_000) {
    seen.push(delivered);
    await endOfTurn();
  }
  await published;
  const steps = seen.map((count, at) => count - (seen[at - 1] ?? 0));
  expect(Math.max(...steps)).toBeLessThanOrEqual(500);
});
