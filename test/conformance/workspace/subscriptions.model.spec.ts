import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EventsService } from 'nestjs-metricast';
import { SECRET, TestApp } from '../../support/app.js';
import { TestTenant } from '../../support/test-tenant.js';
import type { WireMessage } from '../../support/wire-client.js';
import type { WorkspaceClient } from '../../support/workspace-client.js';
import { NaiveSubscriber } from './naive-subscriber.js';
import { type Action, type Filter, type Item, DECLARED, action, tokenFilter } from './subscription-commands.js';

describe('a subscriber of the workspace dialect', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, eventTypes: DECLARED, updateInterval: 0.1 });
  });
  afterAll(() => app.close());

  /** Does all of it, and compares what came of it with what must have. Returns how many events came. */
  const outcomeOf = async (actions: readonly Action[], filter: Filter) => {
    const events = app.app.get(EventsService, { strict: false });
    const tenant = new TestTenant(app);
    const client = await tenant.watchWorkspace(tenant.token({ filter }));
    const naive = new NaiveSubscriber(filter);
    const received: WireMessage[] = [];
    const check = async () => {
      const settled = await client.settled();
      received.push(...settled);
      expect(settled.filter((message) => !isUpdate(message))).toEqual(naive.take());
    };
    let published = 0;
    for (const each of actions) {
      // What was asked for before something is published has been done by then.
      if (each.do === 'publish') await check();
      naive.apply(each);
      if (each.do !== 'publish') send(client, each);
      else {
        const publish = ({ channel, ...event }: Item) =>
          events.publish(tenant.id, channel, { ...event, data: { number: ++published } });
        // What is recorded in one turn is published in its order.
        await Promise.all(each.items.map(publish));
      }
    }
    await check();
    checkUpdates(received);
    if (naive.wantsUpdates) await client.find(isUpdate);
    await client.close();
    return naive.delivered;
  };

  it('receives what a set of types says, in order, whatever it asks for', async () => {
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

/** One of those that come each tick. */
function isUpdate({ event, metric_type, data }: WireMessage): boolean {
  return event === 'metrics_update' && metric_type === undefined && Object.hasOwn(data as object, 'total_executions');
}

/** Updates may come between any two messages, but only while they are subscribed to. */
function checkUpdates(received: readonly WireMessage[]): void {
  let isSubscribed = false;
  for (const message of received) {
    const { event_types } = message;
    if (Array.isArray(event_types)) isSubscribed = event_types.includes('metrics_update');
    if (isUpdate(message)) expect(isSubscribed, 'an update without a subscription').toBe(true);
  }
}

function send(client: WorkspaceClient, action: Exclude<Action, { do: 'publish' }>): void {
  switch (action.do) {
    case 'subscribe':
    case 'unsubscribe':
      return client.send({ type: action.do, event_types: action.types });
    case 'request metrics':
      return client.send({ type: 'request_metrics', metric_type: 'executions' });
    case 'misspeak':
      return client.send(action.frame as WireMessage);
  }
}
