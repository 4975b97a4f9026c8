import { beforeAll, describe, expect, it } from 'vitest';
import { INTERVALS, NO_FILTER, type TenantId } from '../../../src/protocol/index.js';
import { channelName } from '../../support/publications.js';
import { expectIndexed, plansOf } from '../../support/query-plans.js';
import { type Storage, newTenant } from '../../support/storage.js';
import { collected } from './history.oracle.js';

const CHANNEL = 'orders.metrics';
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Which resolution an answer has, and that no answer is found by reading a whole table. */
export function historyResolutionContract(storage: () => Storage): void {
  const now = Date.now();
  const record = (tenant: TenantId, name: string, ...agos: number[]) =>
    storage().metrics.record(
      tenant,
      agos.map((ago) => ({ channel: CHANNEL, name, type: 'gauge', value: ago, timestamp: (now - ago) / 1000 })),
    );
  const page = (tenant: TenantId, ago: number, interval?: keyof typeof INTERVALS, name?: string, limit = 10_000) =>
    storage().metricsHistory.page(tenant, {
      channel: CHANNEL,
      start_time: (now - ago) / 1000,
      ...(interval && { aggregation_interval: interval }),
      ...(name && { name }),
      limit,
    });
  /** Of whatever is stored, so that nothing of it is as it was for those who come after. */
  const deleteTheOld = () => storage().newRetention().run(now);

  describe('of what was recorded for four months', () => {
    const tenant = newTenant();
    const agos = [
      ...Array.from({ length: 480 }, (_, index) => index * 6 * HOUR + 7 * MINUTE + 1234),
      ...Array.from({ length: 300 }, (_, index) => index * 15 * MINUTE + 3456),
    ];
    beforeAll(async () => {
      await record(tenant, 'long', ...agos);
      await record(tenant, 'new', HOUR, MINUTE);
      await record(tenant, 'quiet', 50 * DAY);
      await record(tenant, 'gone', 50 * DAY, 40 * DAY);
    });

    describe.each([
      ['is there still', () => Promise.resolve()],
      ['has been deleted', deleteTheOld],
    ])('of which the old %s', (_, doBefore) => {
      beforeAll(doBefore);

      it.each([
        [HOUR, undefined, 'raw'],
        [23.9 * HOUR, undefined, 'raw'],
        [25 * HOUR, undefined, '1s'],
        [47 * HOUR, '1s', '1s'],
        [47 * HOUR, '5s', '5s'],
        [47 * HOUR, '1m', '1m'],
        [50 * HOUR, undefined, '1m'],
        [50 * HOUR, '1s', '1m'],
        [29 * DAY, '5s', '1m'],
        [31 * DAY, undefined, '5m'],
        [89 * DAY, '1m', '5m'],
        [95 * DAY, '1m', '1h'],
        [400 * DAY, undefined, '1h'],
        [400 * DAY, '1h', '1h'],
        [25 * HOUR, '1h', '1h'],
      ] as const)(
        'from %d ms ago, asked for as %s, it is %s, and goes back to the start',
        async (ago, asked, resolution) => {
          const answer = await page(tenant, ago, asked, 'long');

          expect(answer.resolution).toBe(resolution);
          const length = resolution === 'raw' ? 1 : INTERVALS[resolution];
          const windows = new Set(
            agos.map((one) => now - one - ((now - one) % length)).filter((start) => start > now - ago - length),
          );
          expect(answer.messages.map(({ timestamp }) => timestamp)).toEqual(
            [...windows].sort((one, other) => one - other),
          );
        },
      );

      it('a series of which nothing is old is shown as asked for, from whenever', async () => {
        expect(await page(tenant, 400 * DAY, undefined, 'new')).toMatchObject({
          resolution: 'raw',
          messages: [{}, {}],
        });
        expect(await page(tenant, 400 * DAY, '5s', 'new')).toMatchObject({ resolution: '5s' });
      });

      it('a series of which its last point alone is left is shown with all that the windows have', async () => {
        expect(await page(tenant, 400 * DAY, undefined, 'gone')).toMatchObject({
          resolution: '5m',
          messages: [{}, {}],
        });
        expect(await page(tenant, 400 * DAY, undefined, 'quiet')).toMatchObject({ resolution: '5m', messages: [{}] });
      });

      it('the pages after the first are as fine as it, whatever is deleted meanwhile', async () => {
        const query = { channel: CHANNEL, start_time: (now - 25 * HOUR) / 1000, name: 'long', limit: 10 };
        const first = await storage().metricsHistory.page(tenant, query);
        const second = await storage().metricsHistory.page(tenant, { ...query, cursor: first.nextCursor! });

        expect([first.resolution, second.resolution]).toEqual(['1s', '1s']);
        expect(second.messages[0]!.timestamp).toBeGreaterThan(first.messages.at(-1)!.timestamp);
      });
    });
  });

  it('of several series it is as coarse as one of them needs, though the last value of each is kept', async () => {
    const tenant = newTenant();
    await record(tenant, 'boot', 24.5 * HOUR);
    await record(tenant, 'load', ...Array.from({ length: 300 }, (_, index) => 24.4 * HOUR - index * 10_000));
    await deleteTheOld();

    const answer = await page(tenant, 25 * HOUR);
    expect(answer.resolution).toBe('1s');
    expect(answer.messages).toHaveLength(301);
    expect(await page(tenant, 25 * HOUR, undefined, 'boot')).toMatchObject({ resolution: '1s', messages: [{}] });
    expect(await page(tenant, 23 * HOUR)).toMatchObject({ resolution: 'raw', messages: [] });
  });

  it('what is recorded late makes nothing else look as if it had not been', async () => {
    const tenant = newTenant();
    const agos = Array.from({ length: 3 * 24 * 60 }, (_, index) => index * MINUTE + 1000);
    await record(tenant, 'steady', ...agos);
    await deleteTheOld();
    const shown = () => page(tenant, 3 * DAY + HOUR, '1s');
    expect(await shown()).toMatchObject({ resolution: '1m', messages: { length: agos.length } });

    await record(tenant, 'steady', 3 * DAY + MINUTE);
    expect(await shown()).toMatchObject({ resolution: '1m', messages: { length: agos.length + 1 } });
  });

  it('what lies behind the span makes it no coarser', async () => {
    const tenant = newTenant();
    await record(tenant, 'n', 40 * HOUR);
    const span = { channel: CHANNEL, start_time: (now - 50 * HOUR) / 1000, end_time: (now - 45 * HOUR) / 1000 };

    expect(await storage().metricsHistory.page(tenant, span)).toMatchObject({ resolution: 'raw', messages: [] });
  });

  it('whatever is asked for is found by an index, and of many series each by its own', async () => {
    const others = [newTenant(), newTenant()];
    const tenant = newTenant();
    for (const one of [tenant, ...others]) {
      await storage().metrics.record(
        one,
        Array.from({ length: 3000 }, (_, index) => ({
          channel: index % 10 < 8 ? CHANNEL : 'other.metrics',
          name: `n${index % 300}`,
          type: (['gauge', 'counter', 'histogram'] as const)[index % 3]!,
          value: index,
          timestamp: (now - index * 2 * MINUTE) / 1000,
        })),
      );
      // There is more of others than would be read through sooner than it is sought.
      if (one === tenant) await deleteTheOld();
      for (let no = 0; no < 700; no++) {
        void storage().hostEvents.publish(one, 'reports.events', {
          type: 'ready',
          data: {},
          tags: { shop: `${no % 9}` },
        });
      }
    }
    await storage().queue.drain();
    await storage().rows('ANALYZE');
    const plans = await plansOf(storage(), async () => {
      for (const name of [undefined, 'n7']) {
        const recent = await page(tenant, 23 * HOUR, undefined, name, 1);
        expect(recent).toMatchObject({ resolution: 'raw', nextCursor: expect.any(String) as unknown });
        const next = { channel: CHANNEL, start_time: 0, ...(name && { name }), cursor: recent.nextCursor! };
        expect((await storage().metricsHistory.page(tenant, next)).messages).not.toEqual([]);
        for (const interval of [undefined, '1s', '1m', '1h'] as const) {
          const { messages, nextCursor } = await page(tenant, 3 * DAY, interval, name, 4);
          expect(messages).toHaveLength(4);
          const query = { channel: CHANNEL, start_time: 0, limit: 3, cursor: nextCursor! };
          expect((await storage().metricsHistory.page(tenant, query)).messages).toHaveLength(3);
        }
      }
      const events = { channel: 'reports.events', start_time: 0, name: 'ready', tags: { shop: '3' } };
      expect(await collected(storage().metricsHistory.values(tenant, events))).toHaveLength(78);
      const { nextCursor } = await storage().metricsHistory.page(tenant, { ...events, limit: 1 });
      const next = await storage().metricsHistory.page(tenant, { ...events, limit: 1, cursor: nextCursor! });
      expect(next.messages).toHaveLength(1);
      const ids = (await storage().channelSeries.of(tenant, channelName(CHANNEL))).map(({ id }) => id);
      expect((await storage().rollups.at('1h', now - ((now - HOUR) % HOUR) - HOUR, ids)).size).toBeGreaterThan(0);
      expect(await storage().latest.samples(tenant, channelName(CHANNEL), NO_FILTER, 5)).toHaveLength(5);
    });

    const seen = [...new Set(plans)];
    expectIndexed(seen, ['opened']);
    // Where one page ended, the next goes on, however much there is at that instant.
    for (const number of ['point_id', 'event_id']) {
      const goingOn = seen.filter((plan) => new RegExp(`${number}"? > `).test(plan));
      expect(goingOn).not.toEqual([]);
      for (const plan of goingOn) {
        expect(plan).toMatch(new RegExp(`timestamp=\\? AND rowid>|Index Cond: .*("timestamp" = |${number} > )`));
      }
    }
    const ofRollups = seen.filter((plan) => plan.includes('metricast_rollup'));
    expect(ofRollups.length).toBeGreaterThan(5);
    for (const plan of ofRollups.filter((one) => one.includes('opened'))) {
      expect(plan).toMatch(/resolution ?=.*bucket ?=.*series_id ?(=|IN|>)/);
    }
  });
}
