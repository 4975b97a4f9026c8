import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { type Collectors, StateRecorder } from '../../../src/metrics/index.js';
import type { Sample, State, TenantId } from '../../../src/protocol/index.js';
import { DerivedSeries, SeriesStore } from '../../../src/store/index.js';
import { CapturedLog } from '../../support/captured-log.js';
import { channelName, sampleWith, stateFor } from '../../support/publications.js';
import { Published } from '../../support/published.js';
import { set } from '../../support/settings.js';
import { type Storage, newTenant } from '../../support/storage.js';

const MACHINE = channelName('machine.metrics');
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** A whole hour, long enough ago. */
const BEGIN = Date.UTC(2026, 10, 20, 12);
const TAGS = { host: 'a', instance: 'a:1' };

/** The points of collected states are history. */
export function keptStatesContract(storage: () => Storage): void {
  let recorder: StateRecorder;
  let tenant: TenantId;
  /** On the steady clock, from a beginning of its own. */
  let clock: number;
  let log: CapturedLog;
  const newRecorder = (series: SeriesStore) => {
    const { queue, tenants } = storage();
    const collectors = { get: () => ({ notKept: ['tasks.pending'] }) } as unknown as Collectors;
    recorder = new StateRecorder(queue, new DerivedSeries(series), collectors, tenants);
  };
  beforeEach(() => {
    newRecorder(storage().series);
    tenant = newTenant();
    clock = performance.now();
    vi.spyOn(performance, 'now').mockImplementation(() => clock);
    Logger.overrideLogger((log = new CapturedLog()));
  });
  afterEach(() => {
    vi.restoreAllMocks();
    Logger.overrideLogger(['fatal']);
  });

  /** A state with these points, so many seconds after the beginning. */
  const stateAt = (second: number, ...points: Partial<Sample>[]): State => {
    const timestamp = BEGIN + 1000 * second;
    return stateFor(undefined, { timestamp, points: () => points.map((one) => pointAt(timestamp, one)) });
  };
  const keep = async (second: number, ...points: Partial<Sample>[]) => {
    await recorder.keep({ tenant, channel: MACHINE }, stateAt(second, ...points));
    clock += 10_000;
  };
  const kept = () =>
    storage().rows(
      `SELECT name, tags, value, increase FROM metricast_metric_point point
       JOIN metricast_metric_series series ON series.series_id = point.series_id
       WHERE tenant_id = $1 ORDER BY timestamp, name`,
      [tenant],
    );

  it('with the tags of the state, and published to nobody', async () => {
    const published = new Published(storage());
    await keep(0, { name: 'load', value: 0.5 }, { name: 'runs', value: 3, tags: { ...TAGS, skill: 'b' } });

    expect(await kept()).toEqual([
      { name: 'load', tags: '{"host":"a","instance":"a:1"}', value: 0.5, increase: null },
      { name: 'runs', tags: '{"host":"a","instance":"a:1","skill":"b"}', value: 3, increase: null },
    ]);
    expect(published.of(tenant)).toEqual([]);
  });

  it('the first at once, and then every 10 seconds, channel by channel', async () => {
    const other = channelName('other.metrics');
    for (let second = 0; second < 25; second++) {
      await recorder.keep({ tenant, channel: MACHINE }, stateAt(second, { value: second }));
      if (second === 3) await recorder.keep({ tenant, channel: other }, stateAt(second, { value: -1 }));
      clock += 1000;
    }

    expect((await kept()).map(({ value }) => value)).toEqual([0, -1, 10, 20]);
  });

  it('counters with what they grew by since they were first seen', async () => {
    for (const [index, value] of [5_000_000, 5_000_010, 4, 4, 10].entries()) {
      await keep(10 * index, { name: 'bytes', type: 'counter', value });
    }

    expect((await kept()).map(({ increase }) => increase)).toEqual([0, 10, 4, 0, 6]);
    const [{ series_id } = {}] = await storage().rows(
      'SELECT series_id FROM metricast_metric_series WHERE tenant_id = $1',
      [tenant],
    );
    const { rollups } = storage();
    const hour = await rollups.at('1h', BEGIN, [Number(series_id)]);
    expect([...hour.values()]).toMatchObject([{ count: 5, increase: 20, lastAt: BEGIN + 40_000 }]);
    expect(await rollups.at('1h', BEGIN + HOUR, [Number(series_id)])).toEqual(new Map());
  });

  it('no growth is lost where one could not be stored, which is logged once', async () => {
    await keep(0, { type: 'counter', value: 10 });
    const write = vi.spyOn(storage().queue, 'write').mockRejectedValue(new Error('no room'));
    await keep(10, { type: 'counter', value: 15 });
    await keep(20, { type: 'counter', value: 18 });
    write.mockRestore();
    await keep(30, { type: 'counter', value: 25 });

    expect((await kept()).map(({ increase }) => increase)).toEqual([0, 15]);
    expect(log.text.match(/could not be kept as history/g)).toHaveLength(1);
    expect(log.text).toContain('machine.metrics is kept as history again');
  });

  it('a failure is logged again where nobody watched in between', async () => {
    const write = vi.spyOn(storage().queue, 'write').mockRejectedValue(new Error('no room'));
    await keep(0, { value: 1 });
    recorder.forget({ tenant, channel: MACHINE });
    const failing = keep(10, { value: 1 });
    // Nobody watches any more while it is being kept.
    recorder.forget({ tenant, channel: MACHINE });
    await failing;
    await keep(20, { value: 1 });
    write.mockRestore();

    expect(log.text.match(/could not be kept as history/g)).toHaveLength(3);
  });

  it('in at most half of the series that the tenant may have; what has no room is left out, and logged once', async () => {
    set(storage().tenants, tenant, { limits: { maxSeries: 4 } });
    const many = Array.from({ length: 6 }, (_, index) => ({ name: `n${index}`, value: index }));
    await keep(0, ...many);
    await keep(10, ...many);
    const own = { channel: 'orders.metrics', type: 'gauge' as const, value: 1 };
    const recorded = await storage().metrics.record(
      tenant,
      ['a', 'b', 'c'].map((name) => ({ ...own, name })),
    );

    const states = (await kept()).filter(({ tags }) => tags !== '');
    expect(states.map(({ name }) => name)).toEqual(['n0', 'n1', 'n0', 'n1']);
    expect(recorded).toMatchObject({ accepted: 2, rejected: [{ index: 2, field: 'tags' }] });
    expect(log.text.match(/has no room for all its series/g)).toHaveLength(1);
  });

  it('however often the server begins anew, and its states new series: those of days ago leave their room, to all', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    set(storage().tenants, tenant, { limits: { maxSeries: 8 } });
    const own = { channel: 'orders.metrics', type: 'gauge' as const, value: 1 };
    for (let day = 0; day < 10; day++) {
      newRecorder(new SeriesStore());
      const tags = { host: 'a', instance: `a:${day}` };
      await keep(day * 86_400, { name: 'n', tags, value: day }, { name: 'm', tags, value: day });
      clock += DAY;
      vi.setSystemTime(Date.now() + DAY);
    }
    expect(await kept()).toHaveLength(20);
    await keep(864_000, ...['n', 'm', 'o', 'p'].map((name) => ({ name, tags: { host: 'b' } })));
    expect(await kept()).toHaveLength(22);
    clock += DAY;
    const recorded = await storage().metrics.record(
      tenant,
      ['a', 'b', 'c', 'd', 'e'].map((name) => ({ ...own, name })),
    );
    expect(recorded).toMatchObject({ accepted: 4, rejected: [{ index: 4 }] });
  });

  it('without those that cannot be stored, and those that are made of what is recorded in the channel', async () => {
    await keep(
      0,
      { name: 'x'.repeat(201) },
      { name: 'null \0' },
      { tags: { 'no tag': 'b' } },
      { tags: { a: 'b\0' } },
      { name: 'tasks.pending' },
      { name: 'fine', value: 7 },
    );

    expect((await kept()).map(({ name }) => name)).toEqual(['fine']);
  });

  it('not at all where the points cannot be made', async () => {
    const state = stateFor(undefined, {
      points: () => {
        throw new Error('no points');
      },
    });
    await recorder.keep({ tenant, channel: MACHINE }, state);

    expect(await kept()).toEqual([]);
    expect(log.text).toContain('machine.metrics could not be kept as history: Error: no points');
  });
}

function pointAt(timestamp: number, point: Partial<Sample>): Sample {
  return sampleWith({ timestamp, tags: TAGS, ...point });
}
