import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MetricastError, NO_FILTER, type TagFilter } from '../../../src/protocol/index.js';
import { subscriber } from '../../support/connected.js';
import { ACME, tenantId } from '../../support/principals.js';
import { ORDERS, channelName, filterOf } from '../../support/publications.js';
import { set } from '../../support/settings.js';
import { CollectingApp, Source } from './collecting-app.js';

/** So far apart that no tick comes into a test. */
const RARELY = 3600;
const WORKFLOWS = channelName('workflow.metrics');
const GLOBEX = tenantId('globex');

let app: CollectingApp;
let orders: Source;
let workflows: Source;
beforeEach(async () => {
  orders = new Source(ORDERS, { dimensions: ['shop'] });
  workflows = new Source(WORKFLOWS);
  app = await CollectingApp.start([orders, workflows], { updateInterval: RARELY, tags: { env: 'test' } });
});
afterEach(() => app.close());

const current = (filter: TagFilter = NO_FILTER, tenant = ACME) => app.metrics.current(tenant, ORDERS, filter);

describe('the current state of a channel', () => {
  test('is collected where nobody watches, as a tick would', async () => {
    expect(await current()).toMatchObject({
      kind: 'state',
      data: { tick: 1 },
      tags: { env: 'test' },
      timestamp: expect.closeTo(Date.now(), -4) as number,
      filterKey: '',
    });
    expect(app.timers).toEqual([]);
  });

  test('is collected once for many who ask together, and not again within the interval', async () => {
    let finish!: () => void;
    orders.answer = () => new Promise((resolve) => (finish = () => resolve({ slow: true })));
    const called = orders.called(1);
    const asked = Array.from({ length: 100 }, () => current());
    await called;
    finish();
    const states = await Promise.all(asked);

    expect(new Set(states).size).toBe(1);
    expect(await current()).toBe(states[0]);
    expect(orders.calls).toHaveLength(1);
  });

  test('is collected for each filter and tenant by itself', async () => {
    orders.answer = ({ tenant, filter }) => ({ tenant, shop: filter['shop'] ?? null });

    expect(await current()).toMatchObject({ data: { tenant: ACME, shop: null } });
    expect(await current(filterOf({ shop: 'north' }))).toMatchObject({ data: { tenant: ACME, shop: ['north'] } });
    expect(await current(NO_FILTER, GLOBEX)).toMatchObject({ data: { tenant: GLOBEX, shop: null } });
    expect(orders.calls).toHaveLength(3);
  });

  test('is that of the last tick, for who comes between two', async () => {
    await app.close();
    app = await CollectingApp.start([orders]);
    orders.answer = () => ({ call: orders.calls.length });
    const { connection, transport } = subscriber(app.hub);
    await transport.received(2);
    const shown = (await current())?.data;

    expect(transport.messages.map(({ data }) => data)).toContainEqual(shown);
    app.hub.close(connection);
  });

  test('that could not be collected is logged each time that this begins anew', async () => {
    for (let time = 0; time < 2; time++) {
      orders.answer = () => Promise.reject(new Error('broken'));
      await expect(current()).rejects.toThrow(MetricastError);
      await expect(current()).rejects.toThrow(MetricastError);
      orders.answer = () => ({ well: true });
      await current();
      app.states.forget({ tenant: ACME, channel: ORDERS });
    }

    const both = [
      'error orders.metrics could not be collected: Error: broken',
      'log orders.metrics is collected again',
    ];
    expect(app.logged(ORDERS)).toEqual([...both, ...both]);
  });

  test('is collected again after the last subscriber has gone', async () => {
    const { connection } = subscriber(app.hub);
    await current();
    app.hub.close(connection);

    expect(await current()).toMatchObject({ data: { tick: 2 } });
  });

  test('that cannot be collected is an error, logged once, and is tried again by the next who asks', async () => {
    orders.answer = () => {
      if (orders.calls.length <= 2) throw new Error('no database');
      return { fine: true };
    };

    for (let time = 0; time < 2; time++) {
      const error: unknown = await current().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(MetricastError);
      expect(error).toMatchObject({ code: 'collect_failed' });
    }
    expect(await current()).toMatchObject({ data: { fine: true } });
    expect(app.logged(ORDERS)).toEqual([
      `error ${ORDERS} could not be collected: Error: no database`,
      `log ${ORDERS} is collected again`,
    ]);
  });

  test('is null where there is nothing to show, where tags do not match, and of what nobody collects', async () => {
    orders.answer = () => null;

    expect(await current()).toBeNull();
    expect(await current(filterOf({ env: 'production' }))).toBeNull();
    expect(await app.metrics.current(ACME, channelName('recorded.metrics'), NO_FILTER)).toBeNull();
    expect(orders.calls).toHaveLength(1);
  });
});

describe('a change of the tenant’s settings', () => {
  const WITHOUT = { features: { compression: false } };

  /** Has what is collected show what it was collected under, once it is told to. */
  function collectSlowly(source: Source): (() => void)[] {
    const finish: (() => void)[] = [];
    source.answer = ({ features }) => new Promise((resolve) => finish.push(() => resolve({ features })));
    return finish;
  }

  test('has states collected again that nobody watches, and no other tenant’s', async () => {
    orders.answer = ({ features }) => ({ features });
    const [mine, other] = [await current(), await current(NO_FILTER, GLOBEX)];
    set(app.tenants, ACME, WITHOUT);

    expect(mine).toMatchObject({ data: { features: { compression: true } } });
    expect(await current()).toMatchObject({ data: WITHOUT });
    expect(await current(NO_FILTER, GLOBEX)).toBe(other);
  });

  test('while a state is collected has it collected once more, and nobody is shown the first', async () => {
    const finish = collectSlowly(orders);
    const asked = current();
    set(app.tenants, ACME, WITHOUT);
    const again = orders.called(1);
    finish[0]!();
    await again;
    finish[1]!();
    const state = await asked;

    expect(state).toMatchObject({ data: WITHOUT });
    expect(await current()).toBe(state);
    expect(orders.calls).toHaveLength(2);
  });

  test.each([
    ['feature_disabled', { features: { workflows: false } }],
    ['streaming_disabled', { performanceProfile: 'disabled' }],
  ])('that switches off what is being collected is the error %s', async (code, off) => {
    const finish = collectSlowly(workflows);
    const asked = app.metrics.current(ACME, WORKFLOWS, NO_FILTER);
    set(app.tenants, ACME, off);
    finish[0]!();

    await expect(asked).rejects.toMatchObject({ code });
    expect(workflows.calls).toHaveLength(1);
  });
});
