import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EventsService, MetricsRecorder } from 'nestjs-metricast';
import { SECRET, TestApp } from '../../support/app.js';
import { type ChannelsClient, ENCODINGS } from '../../support/channels-client.js';
import { TestTenant } from '../../support/test-tenant.js';
import { NaiveSubscriber } from './naive-subscriber.js';
import { type Action, type Filter, type Item, action, tokenFilter } from './subscription-commands.js';

describe.each(ENCODINGS)('a subscriber over %s', (encoding) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET } });
  });
  afterAll(() => app.close());

  /** What is recorded in one turn is published in its order. */
  const record = async ({ id }: TestTenant, items: readonly Item[]) => {
    const metrics = app.app.get(MetricsRecorder, { strict: false });
    const events = app.app.get(EventsService, { strict: false });
    const recorded = items.map(({ channel, tags }): Promise<unknown> => {
      if (channel.endsWith('.events')) return events.publish(id, channel, { type: 'placed', data: {}, tags });
      return metrics.record(id, { channel, name: 'level', type: 'gauge', value: 1, tags });
    });
    await Promise.all(recorded);
  };

  /** Does all of it, and compares what came of it with what must have. Returns how many messages of channels came. */
  const outcomeOf = async (actions: readonly Action[], filter: Filter): Promise<number> => {
    const tenant = new TestTenant(app);
    const client = await tenant.watch(encoding, tenant.token({ filter }));
    const naive = new NaiveSubscriber(filter);
    for (const each of actions) {
      // What was asked for before something is recorded has been done by then.
      if (each.do === 'record') expect(await client.settled()).toEqual(naive.take());
      naive.apply(each);
      if (each.do === 'record') await record(tenant, each.items);
      else send(client, each);
    }
    expect(await client.settled()).toEqual(naive.take());
    await client.close();
    return naive.delivered;
  };

  it('receives what a list of its subscriptions says, in order, whatever it asks for', async () => {
    let delivered = 0;
    const property = fc.asyncProperty(
      fc.array(action, { minLength: 5, maxLength: 25, size: 'max' }),
      tokenFilter,
      async (actions, filter) => {
        delivered += await outcomeOf(actions, filter);
      },
    );
    await fc.assert(property, { numRuns: 40 });
    // A model in which nobody gets anything would agree with anything.
    expect(delivered).toBeGreaterThan(50);
  });
});

function send(client: ChannelsClient, action: Exclude<Action, { do: 'record' }>): void {
  switch (action.do) {
    case 'subscribe': {
      const { channels, tags, format, id } = action;
      return client.send({ type: 'subscribe', data: { channels, tags, format }, id });
    }
    case 'unsubscribe':
      return client.send({ type: 'unsubscribe', channels: action.channels, id: action.id });
    case 'ping':
      return client.send({ type: 'ping', id: action.id });
    case 'misspeak':
      return client.send(action.frame);
  }
}
