import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, Repository } from 'typeorm';
import { DISTRIBUTED_METRICS, type Millis, type TenantId } from '../../protocol/index.js';
import { DATA_SOURCE } from '../../store/index.js';
import { MetricSeries } from '../../store/metric-series.entity.js';

/** The tasks of a tenant's hosts, as they recorded them; null where they recorded nothing. */
export interface TaskCounts {
  readonly pending: number | null;
  readonly running: number | null;
  /** Cumulative. */
  readonly completed: number | null;
  /** Tasks completed per second in the last minute, 6 decimals. */
  readonly throughput: number | null;
}

const PENDING = 'tasks.pending';
const RUNNING = 'tasks.running';
const COMPLETED = 'tasks.completed';

/** A gauge that was not recorded for so long belongs to a host that is gone. */
const GAUGE_LIVES_FOR: Millis = 5 * 60_000;
const MINUTE: Millis = 60_000;

/** The newest value of a series after an instant. Found by the index: one step, however many points the series has. */
const NEWEST = `(
  SELECT point.value FROM metricast_metric_point point
  WHERE point.series_id = series.series_id AND point.timestamp > :after
  ORDER BY point.timestamp DESC, point.point_id DESC LIMIT 1)`;

/**
 * What a counter grew by from `:from` to `:now`: the steps between its points of that time, the first of them from the
 * point before. A fall is a restart from zero. What was counted before a series' very first point is of no known time,
 * and is no step. A value that cannot be a count is passed over, so that no sum can grow beyond what a number holds.
 */
const INCREASE = `(
  SELECT SUM(CASE WHEN step.previous IS NULL THEN 0
                  WHEN step.previous BETWEEN 0 AND step.value THEN step.value - step.previous
                  ELSE step.value END)
  FROM (
    SELECT point.value AS value,
      COALESCE(
        LAG(point.value) OVER (ORDER BY point.timestamp, point.point_id),
        (SELECT older.value FROM metricast_metric_point older
         WHERE older.series_id = series.series_id AND older.timestamp <= :from
           AND older.value BETWEEN 0 AND ${Number.MAX_SAFE_INTEGER}
         ORDER BY older.timestamp DESC, older.point_id DESC LIMIT 1)
      ) AS previous
    FROM metricast_metric_point point
    WHERE point.series_id = series.series_id AND point.timestamp > :from AND point.timestamp <= :now
      AND point.value BETWEEN 0 AND ${Number.MAX_SAFE_INTEGER}
  ) step)`;

/** Reads {@link TaskCounts} from the series of `distributed.metrics`, each series by its newest points alone. */
@Injectable()
export class TaskReader {
  constructor(@InjectRepository(MetricSeries, DATA_SOURCE) private readonly series: Repository<MetricSeries>) {}

  async read(tenant: TenantId, now: Millis): Promise<TaskCounts> {
    const [gauges, counters] = await Promise.all([this.#gauges(tenant, now), this.#counters(tenant, now)]);
    const pending = gauges.filter(({ name }) => name === PENDING);
    const running = gauges.filter(({ name }) => name === RUNNING);
    const grown = sum(counters.map(({ newest, increase }) => (newest === null ? null : (increase ?? 0))));
    return {
      pending: sum(pending.map(({ newest }) => newest)),
      running: sum(running.map(({ newest }) => newest)),
      completed: sum(counters.map(({ newest }) => newest)),
      throughput: grown === null ? null : Number((grown / (MINUTE / 1000)).toFixed(6)),
    };
  }

  #gauges(tenant: TenantId, now: Millis): Promise<{ name: string; newest: number | null }[]> {
    return this.series
      .createQueryBuilder('series')
      .select('series.name', 'name')
      .addSelect(NEWEST, 'newest')
      .where({ tenantId: tenant, channel: DISTRIBUTED_METRICS, name: In([PENDING, RUNNING]), type: 'gauge' })
      .setParameters({ after: now - GAUGE_LIVES_FOR })
      .getRawMany();
  }

  #counters(tenant: TenantId, now: Millis): Promise<{ newest: number | null; increase: number | null }[]> {
    return this.series
      .createQueryBuilder('series')
      .select(NEWEST, 'newest')
      .addSelect(INCREASE, 'increase')
      .where({ tenantId: tenant, channel: DISTRIBUTED_METRICS, name: COMPLETED, type: 'counter' })
      .setParameters({ after: -1, from: now - MINUTE, now })
      .getRawMany();
  }
}

/** Of the known ones; null where there are none. */
function sum(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length > 0 ? known.reduce((all, value) => all + value) : null;
}
