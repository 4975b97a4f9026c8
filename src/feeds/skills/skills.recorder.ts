import { Injectable } from '@nestjs/common';
import { type Millis, type Publishable, type TenantId } from '../../protocol/index.js';
import {
  type BadItem,
  type RecordKind,
  type RecordResult,
  Recorder,
  boolean,
  knownTenant,
  number,
  optional,
  readItem,
  text,
  timestamp,
} from '../../recording/index.js';
import type { SqlValue, Write } from '../../store/index.js';
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
  /** Makes the run idempotent: a second one with this id is accepted and not counted. */
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
   * @param input one run or up to 10,000; each is validated by itself, and the bad ones are named in the result.
   * @throws TypeError where the tenant cannot be one; `MetricastError` `too_large` for more than 10,000 items.
   * @throws `MetricastError` `busy` where the store cannot take them: none is stored, unless the
   * database went away while it committed. With ids the call may be repeated.
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
    rows: totals(invocations, ({ skill_name }) => [tenant, skill_name], TOTALS),
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
    rows: totals(
      invocations,
      (run) => [tenant, run.skill_name, run.timestamp - (run.timestamp % MINUTE)],
      MINUTE_TOTALS,
    ),
    onConflict: `ON CONFLICT (tenant_id, skill_name, minute) DO UPDATE SET
      runs = metricast_skill_minute.runs + excluded.runs,
      completed = metricast_skill_minute.completed + excluded.completed`,
  };
}

interface Total {
  readonly of: (run: Invocation) => number;
  readonly combine: (one: number, other: number) => number;
}

const sum = (of: Total['of']): Total => ({ of, combine: (one, other) => one + other });
const isTimed = (run: Invocation) => run.completed && run.duration_seconds !== undefined;

const TOTALS = [
  sum(() => 1),
  sum((run) => Number(run.completed)),
  sum((run) => Number(isTimed(run))),
  sum((run) => (isTimed(run) ? run.duration_seconds! : 0)),
  { of: (run: Invocation) => run.timestamp, combine: Math.max },
];
const MINUTE_TOTALS = [sum(() => 1), sum((run) => Number(run.completed))];

/** One row per group: the group's columns, then its totals. Sorted by group, as all writers must. */
function totals(
  runs: readonly Invocation[],
  groupOf: (run: Invocation) => SqlValue[],
  columns: readonly Total[],
): SqlValue[][] {
  const groups = new Map<string, { group: SqlValue[]; values: number[] }>();
  for (const run of runs) {
    const group = groupOf(run);
    const key = JSON.stringify(group);
    const known = groups.get(key);
    if (!known) groups.set(key, { group, values: columns.map(({ of }) => of(run)) });
    else columns.forEach(({ of, combine }, index) => (known.values[index] = combine(known.values[index]!, of(run))));
  }
  return [...groups]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([, { group, values }]) => [...group, ...values]);
}
