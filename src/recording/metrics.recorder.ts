import { Injectable } from '@nestjs/common';
import {
  type ChannelName,
  GATEWAY_METRICS,
  type Millis,
  type Publishable,
  type Sample,
  type Tags,
  type TenantId,
  parseChannelName,
} from '../protocol/index.js';

import { Tenants } from '../tenants/index.js';

import { ChannelDirectory, type Identified, SeriesStore, type Write, seriesKey } from '../store/index.js';

import { BadItem, type Field, Refusal, number, oneOf, optional, readItem, tags, text, timestamp } from './fields.js';
import { type RecordKind, type RecordResult, Recorder, type Refused, knownTenant } from './recorder.js';

/** One value to be recorded, as `POST /ingest/metrics` takes it too. */
export interface MetricInput {
  /** `NAME.metrics`; it comes into being with the first value. */
  readonly channel: string;
  readonly name: string;
  /** A counter's value is cumulative: its total so far, not the increase. */
  readonly type: 'gauge' | 'counter' | 'histogram';
  readonly value: number;
  readonly tags?: Readonly<Record<string, string>>;
  /** ISO-8601, or Unix seconds; now where absent, at most 5 minutes in the future. */
  readonly timestamp?: string | number;
  /** Makes the value idempotent: a second one with this id within 24 hours is accepted and not stored again. */
  readonly id?: string;
}

interface Metric extends Identified {
  readonly channel: ChannelName;
  readonly sample: Sample;
  readonly seriesKey: string;
}

const metricsChannel: Field<ChannelName> = (value) => {
  const channel = parseChannelName(value);
  if (channel === GATEWAY_METRICS) return new Refusal("must not be gateway.metrics, this service's own");
  return channel?.endsWith('.metrics')
    ? channel
    : new Refusal('must be NAME.metrics of a-z 0-9 _ . - with at most 128 characters');
};

const FIELDS = {
  id: optional(text(200)),
  channel: metricsChannel,
  name: text(200),
  type: oneOf('gauge', 'counter', 'histogram'),
  value: number(),
  tags: tags as Field<Tags>,
  timestamp,
};

/** Records single values of series: gauges, counters and histogram observations. */
@Injectable()
export class MetricsRecorder {
  readonly #kind: RecordKind<Metric>;

  constructor(
    private readonly recorder: Recorder,
    series: SeriesStore,
    directory: ChannelDirectory,
    tenants: Tenants,
  ) {
    this.#kind = {
      name: 'metrics',
      parse: parseMetric,
      *refuse(tenant: TenantId, metrics: readonly Metric[]): Write<Refused<Metric>> {
        const { maxSeries } = tenants.effective(tenant).limits;
        const surplus = yield* series.surplus(tenant, metrics, maxSeries);
        const why = new BadItem('tags', `would begin a new series, and there are at most ${maxSeries} series a tenant`);
        return { items: new Map([...surplus.metrics].map((metric) => [metric, why])), remember: surplus.remember };
      },
      *write(tenant: TenantId, metrics: readonly Metric[]): Write<() => readonly Publishable[]> {
        const committed = yield* series.append(tenant, metrics);
        return () => {
          directory.add(tenant, new Set(metrics.map(({ channel }) => channel)));
          return committed();
        };
      },
    };
  }

  /**
   * Records values for a tenant. When it resolves they are committed, and on their way to the channel's subscribers.
   *
   * @param input one value or up to 10,000; each is validated by itself. A bad one throws nothing:
   * it is named in the `rejected` of the result.
   * @throws TypeError where the tenant cannot be one (1 to 128 of `A-Z a-z 0-9 _ . -`, the first a letter or a digit);
   * `MetricastError` `too_large` for more than 10,000 items.
   * @throws `MetricastError` `busy` where the store cannot take them: none is stored, unless the
   * database failed midway: of many items some may be stored then. With ids the call may be repeated.
   */
  async record(tenant: string, input: MetricInput | readonly MetricInput[]): Promise<RecordResult> {
    return this.recorder.record(this.#kind, knownTenant(tenant), Array.isArray(input) ? input : [input]);
  }
}

function parseMetric(item: unknown, now: Millis): Metric | BadItem {
  const read = readItem(FIELDS, item, now);
  if (read instanceof BadItem) return read;
  const { id, channel, ...fields } = read;
  const sample = { kind: 'sample', ...fields } as const;
  return { id, channel, sample, seriesKey: seriesKey(channel, sample) };
}
