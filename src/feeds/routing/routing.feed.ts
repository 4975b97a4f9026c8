import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Between, In, type FindOperator, MoreThanOrEqual, Repository } from 'typeorm';
import { type CollectContext, type CollectedState, CollectMetrics } from '../../metrics/index.js';
import { type Millis, ROUTING_METRICS, type TenantId } from '../../protocol/index.js';
import { DATA_SOURCE } from '../../store/index.js';
import { DecisionBucket, HOUR, MINUTE } from './decision-bucket.entity.js';
import { type DecisionSums, routingPoints, routingState } from './routing-state.js';

const WINDOW: Millis = 7 * 24 * HOUR;

/** The state of `routing.metrics`: the decisions of the last 7 days, by strategy and by provider. */
@Injectable()
export class RoutingFeed {
  constructor(@InjectRepository(DecisionBucket, DATA_SOURCE) private readonly buckets: Repository<DecisionBucket>) {}

  /**
   * The window begins with a minute: its whole hours are summed from the buckets of hours, and the hour that it cuts
   * from those of minutes. It has no end, so that decisions count whose clock is a little ahead.
   */
  @CollectMetrics(ROUTING_METRICS, { every: 5, points: routingPoints })
  async collect({ tenant, timestamp }: CollectContext): Promise<CollectedState> {
    const from = Math.floor((timestamp - WINDOW) / MINUTE) * MINUTE;
    const firstHour = Math.ceil(from / HOUR) * HOUR;
    const parts = await Promise.all([
      this.#sums(tenant, MINUTE, Between(from, firstHour - 1)),
      this.#sums(tenant, HOUR, MoreThanOrEqual(firstHour)),
    ]);
    return routingState(parts.flat());
  }

  async #sums(tenant: TenantId, width: Millis, start: FindOperator<number>): Promise<DecisionSums[]> {
    const rows = await this.buckets
      .createQueryBuilder('bucket')
      .select(['bucket.dimension AS dimension', 'bucket.name AS name'])
      .addSelect(SUMMED.map((column) => `SUM(bucket.${column}) AS ${column}`))
      .where({ tenantId: tenant, dimension: In(['strategy', 'provider']), width, start })
      .groupBy('bucket.dimension')
      .addGroupBy('bucket.name')
      .getRawMany<Pick<DecisionSums, 'dimension' | 'name'> & Record<(typeof SUMMED)[number], unknown>>();
    return rows.map(({ dimension, name, ...sums }) => ({
      dimension,
      name,
      // PostgreSQL's driver gives a sum of `bigint` as text.
      count: Number(sums.count),
      cost: Number(sums.cost),
      confidence: Number(sums.confidence),
      high: Number(sums.high),
      medium: Number(sums.medium),
      low: Number(sums.low),
    }));
  }
}

const SUMMED = ['count', 'cost', 'confidence', 'high', 'medium', 'low'] as const;
