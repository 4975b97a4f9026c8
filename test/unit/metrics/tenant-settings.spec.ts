import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NO_FILTER } from '../../../src/protocol/index.js';
import { connect, subscriber, wanting } from '../../support/connected.js';
import { ACME, tenantId } from '../../support/principals.js';
import { ORDERS, channelName, filterOf, sampleWith } from '../../support/publications.js';
import { set } from '../../support/settings.js';
import { CollectingApp, Source } from './collecting-app.js';

const OTHER = tenantId('other');
const WORKFLOWS = channelName('workflow.metrics');
const SLOW = channelName('slow.metrics');

let app: CollectingApp;
let orders: Source;
let workflows: Source;
beforeEach(async () => {
  [orders, workflows] = [new Source(ORDERS, { dimensions: ['shop'] }), new Source(WORKFLOWS)];
  app = await CollectingApp.start([orders, workflows, new Source(SLOW, { every: 5 })]);
});
afterEach(() => app.close());

describe('a tenant’s interval', () => {
  test('moves its ticks to another timer, and leaves none behind', () => {
    subscriber(app.hub);
    expect(app.timers).toEqual(['metricast:tick:100ms']);
    set(app.tenants, ACME, { collectionIntervalSeconds: 7 });
    expect(app.timers).toEqual(['metricast:tick:7000ms']);
    set(app.tenants, ACME, {});
    expect(app.timers).toEqual(['metricast:tick:100ms']);
  });

  test('is used in place of a channel’s own', () => {
    const { connection } = connect(app.hub);
    app.hub.subscribe(connection, wanting({ channel: SLOW }));
    expect(app.timers).toEqual(['metricast:tick:5000ms']);
    set(app.tenants, ACME, { performanceProfile: 'high_frequency' });
    expect(app.timers).toEqual(['metricast:tick:1000ms']);
  });

  test('is no other tenant’s', () => {
    subscriber(app.hub);
    set(app.tenants, OTHER, { collectionIntervalSeconds: 7 });
    expect(app.timers).toEqual(['metricast:tick:100ms']);
  });

  test('changes nothing where nobody watches', () => {
    set(app.tenants, ACME, { collectionIntervalSeconds: 7 });
    expect(app.timers).toEqual([]);
  });
});

describe.each([{ metricsStreaming: false }, { performanceProfile: 'disabled' }])('a tenant with %o', (off) => {
  test('is not collected for, from that moment on', async () => {
    subscriber(app.hub);
    await orders.called(2);
    set(app.tenants, ACME, off);
    expect(app.timers).toEqual([]);
    subscriber(app.hub);
    expect(app.timers).toEqual([]);
  });
});

describe.each([{ metricsStreaming: false }, { performanceProfile: 'batch_only' }, { performanceProfile: 'disabled' }])(
  'a tenant with %o',
  (off) => {
    test('is sent nothing that is published all the same', async () => {
      const [mine, other] = [subscriber(app.hub), subscriber(app.hub, { principal: { tenant: OTHER } })];
      set(app.tenants, ACME, off);
      const before = mine.transport.messages.length;
      await app.broker.publish([ACME, OTHER].map((tenant) => ({ tenant, channel: ORDERS, message: sampleWith() })));
      await other.transport.received(1);
      expect(mine.transport.messages).toHaveLength(before);
    });

    test('is collected for again when that is taken back', async () => {
      set(app.tenants, ACME, off);
      const { transport } = subscriber(app.hub);
      set(app.tenants, ACME, {});
      await transport.received(2);
      expect(transport.messages).toMatchObject([{ channel: ORDERS }, { channel: ORDERS }]);
    });
  },
);

describe('a tenant on batch_only', () => {
  const batch = { performanceProfile: 'batch_only', collectionIntervalSeconds: 0.1 };

  test('is collected for where somebody watches, to be kept as history and not sent', async () => {
    set(app.tenants, ACME, batch);
    const { transport } = subscriber(app.hub);
    await orders.called(3);
    expect(app.kept.length).toBeGreaterThanOrEqual(2);
    expect(transport.messages).toEqual([]);
    set(app.tenants, ACME, { ...batch, features: { workflows: false } });
    expect(app.timers).toEqual(['metricast:tick:100ms']);
  });

  test('is collected for as a whole alone: nobody is sent a view', async () => {
    set(app.tenants, ACME, batch);
    for (const filter of [NO_FILTER, filterOf({ shop: 'north' })]) subscriber(app.hub, { filter });
    await orders.called(3);
    expect(orders.calls.map(({ filter }) => filter)).toEqual(orders.calls.map(() => ({})));
  });

  test('is shown a state at once when it streams again, however long the interval is', async () => {
    set(app.tenants, ACME, { ...batch, collectionIntervalSeconds: 3600 });
    const { transport } = subscriber(app.hub);
    set(app.tenants, ACME, { collectionIntervalSeconds: 3600 });
    await transport.received(1);
    expect(transport.messages).toMatchObject([{ channel: ORDERS }]);
  });
});

describe('a feature that is off', () => {
  test('is a channel that is not collected, while others are', async () => {
    set(app.tenants, ACME, { features: { workflows: false } });
    const { connection } = connect(app.hub);
    for (const channel of [ORDERS, WORKFLOWS]) app.hub.subscribe(connection, wanting({ channel }));
    await orders.called(3);
    expect(workflows.calls).toEqual([]);
    set(app.tenants, ACME, {});
    await workflows.called(1);
  });

  test('is known to who collects', async () => {
    set(app.tenants, ACME, { features: { compression: false } });
    subscriber(app.hub);
    await orders.called(1);
    expect(orders.calls[0]!.features).toEqual({
      compression: false,
      embeddings: true,
      workflows: true,
      response_cache: true,
    });
  });
});

describe('a cap on the states a minute', () => {
  test('spaces the ticks so that there are no more', () => {
    subscriber(app.hub);
    set(app.tenants, ACME, { maxEventsPerMinute: 30 });
    expect(app.timers).toEqual(['metricast:tick:2000ms']);
  });

  test('changes nothing where the interval brings fewer, or where it is 0', () => {
    subscriber(app.hub);
    set(app.tenants, ACME, { collectionIntervalSeconds: 7, maxEventsPerMinute: 30 });
    expect(app.timers).toEqual(['metricast:tick:7000ms']);
    set(app.tenants, ACME, { collectionIntervalSeconds: 0.2, maxEventsPerMinute: 0 });
    expect(app.timers).toEqual(['metricast:tick:200ms']);
  });

  test('leaves room for a shorter interval, where nobody has set it', () => {
    subscriber(app.hub);
    set(app.tenants, ACME, { collectionIntervalSeconds: 0.2 });
    expect(app.timers).toEqual(['metricast:tick:200ms']);
  });
});

describe('a change while a state is collected', () => {
  /** Answers the collections under way, one after the other. */
  let finish: (() => void)[];
  beforeEach(() => {
    finish = [];
    orders.answer = ({ features }) => new Promise((resolve) => finish.push(() => resolve({ features })));
  });

  test('has it collected once more, and what came of the settings before is not sent', async () => {
    const { transport } = subscriber(app.hub);
    await orders.called(1);
    set(app.tenants, ACME, { features: { compression: false } });
    const again = orders.called(1);
    finish[0]!();
    await again;
    finish[1]!();
    await transport.received(1);
    expect(transport.messages).toMatchObject([{ data: { features: { compression: false } } }]);
    for (const one of finish) one();
  });

  test('that switches it off has it sent no more', async () => {
    const { transport } = subscriber(app.hub);
    await orders.called(1);
    set(app.tenants, ACME, { metricsStreaming: false });
    finish[0]!();
    const { connection } = connect(app.hub, { principal: { tenant: OTHER } });
    app.hub.subscribe(connection, wanting({ channel: WORKFLOWS }));
    await workflows.called(3);
    expect(transport.messages).toEqual([]);
    expect(app.kept.map(({ data }) => Object.keys(data))).not.toContainEqual(['features']);
  });
});

test('what is switched on is collected at once, however long the interval is', async () => {
  set(app.tenants, ACME, { collectionIntervalSeconds: 3600, metricsStreaming: false });
  const { transport } = subscriber(app.hub);
  set(app.tenants, ACME, { collectionIntervalSeconds: 3600 });
  await transport.received(1);
  expect(transport.messages).toMatchObject([{ channel: ORDERS }]);
});

describe('a profile that is changed to one that streams', () => {
  const night = { name: 'night', maxEventsPerMinute: 0, description: '', createdAt: 0 };

  /** A tenant on a profile that is off, and then is not. */
  async function switchOn(collectionIntervalSeconds: number) {
    await app.tenants.learnProfiles([{ ...night, collectionIntervalSeconds, mode: 'off', updatedAt: 1 }]);
    set(app.tenants, ACME, { performanceProfile: 'night' });
    const { transport } = subscriber(app.hub);
    await app.tenants.learnProfiles([{ ...night, collectionIntervalSeconds, mode: 'stream', updatedAt: 2 }]);
    return transport;
  }

  test('has nothing collected at once, for it may be that of many tenants', async () => {
    await switchOn(3600);
    expect(app.timers).toEqual(['metricast:tick:3600000ms']);
    expect(orders.calls).toEqual([]);
  });

  test('has it shown with the next tick', async () => {
    const transport = await switchOn(0.1);
    await transport.received(1);
    expect(transport.messages).toMatchObject([{ channel: ORDERS }]);
  });
});
