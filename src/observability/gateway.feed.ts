import { Injectable } from '@nestjs/common';
import { Hub, takeCensus } from '../hub/index.js';
import { type CollectedState, CollectMetrics } from '../metrics/index.js';
import { GATEWAY_METRICS } from '../protocol/index.js';
import { WriteQueue } from '../store/index.js';
import { PulseMeter } from './pulse-meter.js';

/** The channel `gateway.metrics`: what this instance does, the same for every operator. Rates are those of the last second. */
@Injectable()
export class GatewayFeed {
  constructor(
    private readonly hub: Hub,
    private readonly queue: WriteQueue,
    private readonly pulses: PulseMeter,
  ) {}

  @CollectMetrics(GATEWAY_METRICS, {
    points: {
      connections: 'gauge',
      subscriptions: 'gauge',
      audiences: 'gauge',
      publications_per_second: 'gauge',
      frames_per_second: 'gauge',
      bytes_per_second: 'gauge',
      conflated_total: 'counter',
      queued_bytes: 'gauge',
      queued_rows: 'gauge',
      commit_ms: 'gauge',
      event_loop_lag_ms: 'gauge',
    },
  })
  collect(): CollectedState {
    const { connections, subscriptions, audiences, queuedBytes, conflated } = takeCensus(this.hub);
    const { latest } = this.pulses;
    return {
      connections,
      subscriptions,
      audiences,
      publications_per_second: rounded(latest?.publications),
      frames_per_second: rounded(latest?.frames),
      bytes_per_second: rounded(latest?.bytes),
      conflated_total: conflated,
      queued_bytes: queuedBytes,
      queued_rows: this.queue.queuedRows,
      commit_ms: rounded(latest?.commit),
      event_loop_lag_ms: rounded(latest?.lag?.p99),
    };
  }
}

/** To 2 decimals; null where it was not measured. */
function rounded(value: number | null | undefined): number | null {
  return value == null ? null : Math.round(value * 100) / 100;
}
