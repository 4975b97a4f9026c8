import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BUILT_IN_EVENT_TYPES } from '../../../src/protocol/index.js';
import { type Appended, EventLog } from '../../support/event-log.js';
import { channelName } from '../../support/publications.js';
import { storedEvents } from '../../support/published.js';
import { expectIndexed, plansOf } from '../../support/query-plans.js';
import { type Storage, newTenant } from '../../support/storage.js';

const REPORTS = channelName('reports.events');
const ARCHIVE = channelName('archive.events');
const ALERTS = channelName('alerts.events');

/** Which types of events come on which channels is known from the beginning, or from the commit of the first on. */
export function eventTypesContract(storage: () => Storage): void {
  const log = () => new EventLog(storage());

  it('the types that are built in are known on their channels, with nothing published', async () => {
    const types = [...BUILT_IN_EVENT_TYPES.keys()];
    const known = await storage().events.channelsOf(newTenant(), [...types, 'nope', '']);

    expect(known).toEqual(BUILT_IN_EVENT_TYPES);
    expect(known.get('alert')).toEqual([ALERTS]);
    expect(await storage().events.channelsOf(newTenant(), [])).toEqual(new Map());
  });

  it('the types that the host declares are known on each of their channels, in every tenant', async () => {
    const store = log().newStore({ [REPORTS]: ['ready', 'failed'], [ARCHIVE]: ['ready'], [ALERTS]: [] });

    expect(await log().channelsOf(newTenant(), ['ready', 'failed', 'nope'], store)).toEqual([
      ['ready', [ARCHIVE, REPORTS]],
      ['failed', [REPORTS]],
    ]);
  });

  it('the types that were published are known in their tenant, after a restart too', async () => {
    const [tenant, other] = [newTenant(), newTenant()];
    await log().append(tenant, [
      { channel: REPORTS, type: 'ready' },
      { channel: ARCHIVE, type: 'ready' },
      { channel: ARCHIVE, type: 'filed' },
    ]);

    for (const store of [storage().events, log().newStore()]) {
      expect(await log().channelsOf(tenant, ['filed', 'ready', 'Ready'], store)).toEqual([
        ['filed', [ARCHIVE]],
        ['ready', [ARCHIVE, REPORTS]],
      ]);
      expect(await log().channelsOf(other, ['filed', 'ready'], store)).toEqual([]);
    }
  });

  it('a type that is built in, declared and published is known on all of these channels, each once', async () => {
    const tenant = newTenant();
    const store = log().newStore({ [REPORTS]: ['alert'], [ALERTS]: ['alert'] });
    const events = [ARCHIVE, ALERTS, REPORTS].map((channel) => ({ channel, type: 'alert' }));
    await log().append(tenant, events, store);
    const channels = (await store.channelsOf(tenant, ['alert'])).get('alert')!;

    expect(channels[0]).toBe(ALERTS);
    expect([...channels].sort()).toEqual([ALERTS, ARCHIVE, REPORTS]);
  });

  it('a channel of events exists for the tenant in which one came, after a restart too', async () => {
    const [tenant, other] = [newTenant(), newTenant()];
    const metrics = channelName('reports.metrics');
    const directory = log().newDirectory();
    expect((await directory.existing(tenant, [REPORTS])).size).toBe(0);
    await log().append(tenant, [{ channel: REPORTS, type: 'ready' }]);
    await storage().metrics.record(tenant, { channel: metrics, name: 'n', type: 'gauge', value: 1 });

    for (const each of [directory, log().newDirectory()]) {
      expect([...(await each.existing(tenant, [ARCHIVE, REPORTS, metrics]))]).toEqual([REPORTS, metrics]);
      expect((await each.existing(other, [REPORTS, metrics])).size).toBe(0);
    }
  });

  it('a channel of events that the host declares exists in every tenant', async () => {
    const directory = log().newDirectory({ [REPORTS]: ['ready'] });

    for (const tenant of [newTenant(), newTenant()]) {
      expect([...(await directory.existing(tenant, [REPORTS, ARCHIVE]))]).toEqual([REPORTS]);
    }
  });

  it('what is known agrees with a list of what was committed, whatever failed in between', async () => {
    const property = fc.asyncProperty(fc.array(request, { maxLength: 8 }), async (requests) => {
      const tenants = [newTenant(), newTenant()] as const;
      const committed = tenants.map((): Appended[] => []);
      for (const { tenant, events, isKept } of requests) {
        if (isKept) {
          await log().append(tenants[tenant]!, events);
          committed[tenant]!.push(...events);
        } else await log().failToAppend(tenants[tenant]!, events);
      }

      for (const [index, tenant] of tenants.entries()) {
        const events = committed[index]!;
        expect(await storedEvents(storage(), tenant)).toMatchObject(events);
        const known = TYPES.map((type) => [type, channelsIn(events.filter((event) => event.type === type))] as const);
        const expected = known.filter(([, channels]) => channels.length > 0);
        for (const store of [storage().events, log().newStore()]) {
          expect(await log().channelsOf(tenant, TYPES, store)).toEqual(expected);
        }
        expect([...(await log().newDirectory().existing(tenant, CHANNELS))].sort()).toEqual(channelsIn(events));
      }
    });
    await fc.assert(property, { numRuns: 15 });
  });

  it('types and channels are found by an index, however many there are', async () => {
    for (const tenant of [newTenant(), newTenant()]) {
      const many = Array.from({ length: 1000 }, (_, at) => ({
        channel: channelName(`c${at % 100}.events`),
        type: `type_${at}`,
      }));
      await log().append(tenant, many);
    }
    const tenant = newTenant();
    await log().append(tenant, [{ channel: REPORTS, type: 'ready' }]);
    await storage().rows('ANALYZE');

    expectIndexed(await plansOf(storage(), () => storage().events.channelsOf(tenant, ['ready', 'alert', 'nope'])));
    expectIndexed(await plansOf(storage(), () => log().newDirectory().existing(tenant, [REPORTS, ARCHIVE])));
  });
}

function channelsIn(events: readonly Appended[]) {
  return [...new Set(events.map(({ channel }) => channel))].sort();
}

const TYPES = ['filed', 'ready', 'Ready'];
const CHANNELS = [REPORTS, ARCHIVE];
const request = fc.record({
  tenant: fc.nat(1),
  events: fc.array(fc.record({ channel: fc.constantFrom(...CHANNELS), type: fc.constantFrom(...TYPES) }), {
    maxLength: 4,
  }),
  isKept: fc.boolean(),
});
