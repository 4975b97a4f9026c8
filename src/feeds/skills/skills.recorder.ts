import { Injectable } from '@nestjs/common';
import { type Millis, type Publishable, SKILLS_METRICS, type TenantId } from '../../protocol/index.js';
import {
  type BadItem,
  type RecordKind,
  type RecordResult,
  Recorder,
  type Total,
  boolean,
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
import { AnomalyDetector } from './anomaly-detector.js';

/** One run of a skill, as `POST /ingest/skills` takes it too. */
export interface SkillInvocationInput {
  readonly skill_name: string;
  /** Whether it reached its end; `false` for a run that failed or was given up. */
  readonly completed: boolean;
  /** 0 to 1e9. */
  readonly duration_seconds?: number;
  readonly session_id?: string;
  readonly tool_id?: string;
  readonly error_type?: string;
  /** ISO-8601, or Unix seconds; now where absent, at most 5 minutes in the future. */
  readonly timestamp?: string | number;
  /** Makes the run idempotent: a second one with this id within 24 hours is accepted and not counted. */
  readonly id?: string;
}

/** Thirty years. Without a limit a single run could bring the sum of all to infinity. */
const MAX_DURATION_SECONDS = 1e9;

const FIELDS = {
  id: optional(text(200)),
  skill_name: text(200),
  completed: boolean,
  duration_seconds: optional(number(0, MAX_DURATION_SECONDS)),
  session_id: optional(text(200)),
  tool_id: optional(text(200)),
  error_type: optional(text(200)),
  timestamp,
};

type Invocation = Exclude<ReturnType<typeof readItem<typeof FIELDS>>, BadItem>;

const MINUTE: Millis = 60_000;

/** Records runs of skills: their history, their running totals, and the minutes that anomalies are found by. */
@Injectable()
export class SkillsRecorder {
  readonly #kind: RecordKind<Invocation>;

  constructor(
    private readonly recorder: Recorder,
    detector: AnomalyDetector,
  ) {
    this.#kind = {
      name: 'skills',
      states: [SKILLS_METRICS],
      rowsPerItem: 3,
      parse: (item, now) => readItem(FIELDS, item, now),
      *write(tenant: TenantId, invocations: readonly Invocation[]): Write<() => readonly Publishable[]> {
        if (invocations.length > 0) yield* store(tenant, invocations);
        return () => {
          detector.mark(tenant, new Set(invocations.map(({ skill_name }) => skill_name)));
          // A state: subscribers see it at the next tick, with whatever else happened until then.
          return [];
        };
      },
    };
  }

  /**
   * Records runs for a tenant. When it resolves they are committed; subscribers see them at their next tick.
   *
   * @param input one run or up to 10,000; each is validated by itself. A bad one throws nothing:
   * it is named in the `rejected` of the result.
   * @throws TypeError where the tenant cannot be one (1 to 128 of `A-Z a-z 0-9 _ . -`, the first a letter or a digit);
   * `MetricastError` `too_large` for more than 10,000 items.
   * @throws `MetricastError` `busy` where the store cannot take them: none is stored, unless the
   * database failed midway: of many items some may be stored then. With ids the call may be repeated.
   */
  async record(tenant: string, input: SkillInvocationInput | readonly SkillInvocationInput[]): Promise<RecordResult> {
    return this.recorder.record(this.#kind, knownTenant(tenant), Array.isArray(input) ? input : [input]);
  }
}

function* store(tenant: TenantId, invocations: readonly Invocation[]): Write<void> {
  yield {
    into: 'metricast_skill_invocation',
    columns: [
      'tenant_id',
      'skill_name',
      'completed',
      'duration_seconds',
      'session_id',
      'tool_id',
      'error_type',
      'ran_at',
    ],
    rows: invocations.map((run) => [
      tenant,
      run.skill_name,
      run.completed,
      run.duration_seconds ?? null,
      run.session_id ?? null,
      run.tool_id ?? null,
      run.error_type ?? null,
      run.timestamp,
    ]),
  };
  yield {
    into: 'metricast_skill',
    columns: [
      'tenant_id',
      'skill_name',
      'total_invocations',
      'completed_invocations',
      'timed_invocations',
      'total_duration_seconds',
      'last_run_at',
    ],
    rows: totalsOf(invocations, ({ skill_name }) => [tenant, skill_name], TOTALS),
    onConflict: `ON CONFLICT (tenant_id, skill_name) DO UPDATE SET
      total_invocations = metricast_skill.total_invocations + excluded.total_invocations,
      completed_invocations = metricast_skill.completed_invocations + excluded.completed_invocations,
      timed_invocations = metricast_skill.timed_invocations + excluded.timed_invocations,
      total_duration_seconds = metricast_skill.total_duration_seconds + excluded.total_duration_seconds,
      last_run_at = CASE WHEN excluded.last_run_at > metricast_skill.last_run_at
                         THEN excluded.last_run_at ELSE metricast_skill.last_run_at END`,
  };
  yield {
    into: 'metricast_skill_minute',
    columns: ['tenant_id', 'skill_name', 'minute', 'runs', 'completed'],
    rows: totalsOf(
      invocations,
      (run) => [tenant, run.skill_name, run.timestamp - (run.timestamp % MINUTE)],
      MINUTE_TOTALS,
    ),
    onConflict: `ON CONFLICT (tenant_id, skill_name, minute) DO UPDATE SET
      runs = metricast_skill_minute.runs + excluded.runs,
      completed = metricast_skill_minute.completed + excluded.completed`,
  };
}

const isTimed = (run: Invocation) => run.completed && run.duration_seconds !== undefined;

const TOTALS: readonly Total<Invocation>[] = [
  sumOf(() => 1),
  sumOf((run) => Number(run.completed)),
  sumOf((run) => Number(isTimed(run))),
  sumOf((run) => (isTimed(run) ? run.duration_seconds! : 0)),
  { of: (run) => run.timestamp, combine: Math.max },
];
const MINUTE_TOTALS: readonly Total<Invocation>[] = [sumOf(() => 1), sumOf((run) => Number(run.completed))];
