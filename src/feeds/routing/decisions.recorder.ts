import { Injectable } from '@nestjs/common';
import { type Publishable, ROUTING_METRICS, type TenantId } from '../../protocol/index.js';
import {
  type BadItem,
  type RecordKind,
  type RecordResult,
  Recorder,
  type Total,
  key,
  knownTenant,
  number,
  optional,
  readItem,
  sumOf,
  text,
  timestamp,
  totalsOf,
} from '../../recording/index.js';
import type { Write } from '../../store/index.js';
import { type Dimension, HOUR, MINUTE } from './decision-bucket.entity.js';
import { DecisionNames } from './decision-names.js';

/** One decision of a router, as `POST /ingest/decisions` takes it too. */
export interface DecisionInput {
  /** How it was decided: `hybrid`, `complexity`, … The state names the first 100 of a tenant, and counts all after as `other`. */
  readonly strategy: string;
  /** Who was chosen. The state names the first 100 here, too. */
  readonly provider: string;
  readonly model?: string;
  /** 0 to 1. High from 0.8 on, medium from 0.5 on, else low. */
  readonly confidence: number;
  /** US dollars, 0 to 1e9. */
  readonly cost: number;
  /** ISO-8601, or Unix seconds; now where absent, at most 5 minutes in the future. */
  readonly timestamp?: string | number;
  /** Makes the decision idempotent: a second one with this id within 24 hours is accepted and not counted. */
  readonly id?: string;
}

/** Without a limit a single decision could bring the sum of all to infinity. */
const MAX_COST = 1e9;

const HIGH_CONFIDENCE = 0.8;
const MEDIUM_CONFIDENCE = 0.5;

const FIELDS = {
  id: optional(text(200)),
  strategy: key(200),
  provider: key(200),
  model: optional(text(200)),
  confidence: number(0, 1),
  cost: number(0, MAX_COST),
  timestamp,
};

type Decision = Exclude<ReturnType<typeof readItem<typeof FIELDS>>, BadItem>;

/**
 * Records decisions of routers: their history, under whatever names, and the minutes and hours that their state is
 * summed from, under those that {@link DecisionNames} has room for.
 */
@Injectable()
export class DecisionsRecorder {
  readonly #kind: RecordKind<Decision>;

  constructor(
    private readonly recorder: Recorder,
    names: DecisionNames,
  ) {
    this.#kind = {
      name: 'decisions',
      states: [ROUTING_METRICS],
      rowsPerItem: 5,
      parse: (item, now) => readItem(FIELDS, item, now),
      *write(tenant: TenantId, decisions: readonly Decision[]): Write<() => readonly Publishable[]> {
        // A state: subscribers see it at the next tick, with whatever else was decided until then.
        if (decisions.length === 0) return () => [];
        const { counted, remember } = yield* names.settle(tenant, decisions);
        yield* store(tenant, decisions);
        yield* count(tenant, counted);
        return () => {
          remember();
          return [];
        };
      },
    };
  }

  /**
   * Records decisions for a tenant. When it resolves they are committed; subscribers see them at their next tick.
   *
   * @param input one decision or up to 10,000; each is validated by itself. A bad one throws nothing:
   * it is named in the `rejected` of the result.
   * @throws TypeError where the tenant cannot be one (1 to 128 of `A-Z a-z 0-9 _ . -`, the first a letter or a digit);
   * `MetricastError` `too_large` for more than 10,000 items.
   * @throws `MetricastError` `busy` where the store cannot take them: none is stored, unless the
   * database failed midway: of many items some may be stored then. With ids the call may be repeated.
   */
  async record(tenant: string, input: DecisionInput | readonly DecisionInput[]): Promise<RecordResult> {
    return this.recorder.record(this.#kind, knownTenant(tenant), Array.isArray(input) ? input : [input]);
  }
}

function* store(tenant: TenantId, decisions: readonly Decision[]): Write<void> {
  yield {
    into: 'metricast_decision',
    columns: ['tenant_id', 'strategy', 'provider', 'model', 'confidence', 'cost', 'decided_at'],
    rows: decisions.map((one) => [
      tenant,
      one.strategy,
      one.provider,
      one.model ?? null,
      one.confidence,
      one.cost,
      one.timestamp,
    ]),
  };
}

function* count(tenant: TenantId, decisions: readonly Decision[]): Write<void> {
  const buckets = (dimension: Dimension, width: number) =>
    totalsOf(
      decisions,
      (one) => [tenant, dimension, width, one.timestamp - (one.timestamp % width), one[dimension]],
      TOTALS,
    );
  yield {
    into: 'metricast_decision_bucket',
    columns: [
      'tenant_id',
      'dimension',
      'width',
      'start',
      'name',
      'count',
      'cost',
      'confidence',
      'high',
      'medium',
      'low',
    ],
    // In the same order by every writer.
    rows: [
      ...buckets('provider', MINUTE),
      ...buckets('provider', HOUR),
      ...buckets('strategy', MINUTE),
      ...buckets('strategy', HOUR),
    ],
    onConflict: `ON CONFLICT (tenant_id, dimension, width, start, name) DO UPDATE SET
      count = metricast_decision_bucket.count + excluded.count,
      cost = metricast_decision_bucket.cost + excluded.cost,
      confidence = metricast_decision_bucket.confidence + excluded.confidence,
      high = metricast_decision_bucket.high + excluded.high,
      medium = metricast_decision_bucket.medium + excluded.medium,
      low = metricast_decision_bucket.low + excluded.low`,
  };
}

const TOTALS: readonly Total<Decision>[] = [
  sumOf(() => 1),
  sumOf(({ cost }) => cost),
  sumOf(({ confidence }) => confidence),
  sumOf(({ confidence }) => Number(confidence >= HIGH_CONFIDENCE)),
  sumOf(({ confidence }) => Number(confidence >= MEDIUM_CONFIDENCE && confidence < HIGH_CONFIDENCE)),
  sumOf(({ confidence }) => Number(confidence < MEDIUM_CONFIDENCE)),
];
