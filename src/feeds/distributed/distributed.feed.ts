import { Injectable } from '@nestjs/common';
import { type CollectContext, type CollectedState, CollectMetrics } from '../../metrics/index.js';
import { DISTRIBUTED_METRICS } from '../../protocol/index.js';
import { InstanceRegistry } from './instance-registry.js';
import { TaskReader } from './task-reader.js';

/**
 * The state of `distributed.metrics`: how many nodes there are, and what they have to do.
 *
 * `nodes` are the instances of this service that share the database, the same for every tenant: `active` those seen in
 * the last 15 seconds, `total` those seen in the last 24 hours.
 *
 * `tasks` and `throughput` are what the tenant's hosts record in this same channel, by `MetricsRecorder` or
 * `POST /ingest/metrics`, each host with tags of its own:
 *
 * - the gauges `tasks.pending` and `tasks.running`: the newest value of each series of the last 5 minutes, summed;
 * - the counter `tasks.completed`, cumulative: the newest value of each series, summed. `throughput` is what these grew
 *   by in the last 60 seconds, per second. A series that falls has started again from zero; what it counted before its
 *   very first value is in `completed` alone.
 *
 * What was never recorded is null; a throughput of 0 says that nothing was completed.
 */
@Injectable()
export class DistributedFeed {
  constructor(
    private readonly instances: InstanceRegistry,
    private readonly tasks: TaskReader,
  ) {}

  @CollectMetrics(DISTRIBUTED_METRICS, {
    every: 5,
    points: { 'nodes.active': 'gauge', 'tasks.pending': 'gauge', 'tasks.running': 'gauge', throughput: 'gauge' },
    notKept: ['tasks.pending', 'tasks.running'],
  })
  async collect({ tenant, timestamp }: CollectContext): Promise<CollectedState> {
    const [nodes, { throughput, ...tasks }] = await Promise.all([
      this.instances.counts(timestamp),
      this.tasks.read(tenant, timestamp),
    ]);
    return { nodes, tasks, throughput };
  }
}
