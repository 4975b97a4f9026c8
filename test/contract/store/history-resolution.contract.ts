import { beforeAll, describe, expect, it } from 'vitest';
import { INTERVALS, INTERVAL_NAMES, NO_FILTER, type TenantId } from '../../../src/protocol/index.js';
import { LEVELS, keptSince } from '../../../src/store/index.js';
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
  /** What retention does, but for the newest point of each series. */
  const forget = async (tenant: TenantId) => {
    const series = (await storage().channelSeries.of(tenant, channelName(CHANNEL))).map(({ id }) => id).join(', ');
    for (const level of LEVELS) {
      const since = keptSince(level, now, null);
      if (level.resolution !== 'raw') {
        await storage().rows(
          `DELETE FROM metricast_rollup WHERE resolution = ${level.length / 1000} AND bucket + ${level.length} <= ${since}
           AND series_id IN (${series})`,
        );
        continue;
      }
      await storage().rows(
        `DELETE FROM metricast_metric_point WHERE timestamp < ${since} AND series_id IN (${series})
         AND EXISTS (SELECT 1 FROM metricast_metric_point newer
           WHERE newer.series_id = metricast_metric_point.series_id AND newer.timestamp > metricast_metric_point.timestamp)`,
      );
    }
  };

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

    it('nothing is coarser than asked for while nothing is deleted', async () => {
      for (const interval of [undefined, ...INTERVAL_NAMES]) {
        expect((await page(tenant, 119 * DAY, interval, undefined, 5)).resolution).toBe(interval ?? 'raw');
      }
    });

    describe('of which the old has been deleted', () => {
      beforeAll(() => forget(tenant));

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

      it('a series of which nothing is deleted is shown as asked for, from whenever', async () => {
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
      for (let no = 0; no < 700; no++) {
        void storage().hostEvents.publish(one, 'reports.events', {
          type: 'ready',
          data: {},
          tags: { shop: `${no % 9}` },
        });
      }
    }
    await storage().queue.drain();
    await forget(tenant);
    await storage().rows('ANALYZE');
    const plans = await plansOf(storage(), async () => {
      for (const name of [undefined, 'n7']) {
        for (const interval of [undefined, '1s', '1m', '1h'] as const) {
          const { messages, nextCursor } = await page(tenant, 3 * DAY, interval, name, 4);
          expect(messages).toHaveLength(4);
          const query = { channel: CHANNEL, start_time: 0, limit: 3, cursor: nextCursor! };
          expect((await storage().metricsHistory.page(tenant, query)).messages).toHaveLength(3);
        }
      }
      const events = { channel: 'reports.events', start_time: 0, name: 'ready', tags: { shop: '3' } };
      expect(await collected(storage().metricsHistory.values(tenant, events))).toHaveLength(78);
      const ids = (await storage().channelSeries.of(tenant, channelName(CHANNEL))).map(({ id }) => id);
      expect((await storage().rollups.at('1h', now - ((now - HOUR) % HOUR) - HOUR, ids)).size).toBeGreaterThan(0);
      expect(await storage().latest.samples(tenant, channelName(CHANNEL), NO_FILTER, 5)).toHaveLength(5);
    });

    const seen = [...new Set(plans)];
    expectIndexed(seen, ['opened']);
    const ofRollups = seen.filter((plan) => plan.includes('metricast_rollup'));
    expect(ofRollups.length).toBeGreaterThan(5);
    for (const plan of ofRollups.filter((one) => one.includes('opened'))) {
      expect(plan).toMatch(/resolution ?=.*bucket ?=.*series_id ?(=|IN)/);
    }
  });
}
