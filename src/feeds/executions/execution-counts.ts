import type { TenantId } from '../../protocol/index.js';
import { type Total, sumOf, totalsOf } from '../../recording/index.js';
import type { Write } from '../../store/index.js';
import type { Run, Step } from './execution-steps.js';
import { binOf } from './runtime-sketch.js';

/** Adds the steps to the running totals, and the runtimes of those that ended to the sketch of them. */
export function* countSteps(tenant: TenantId, steps: readonly Step[]): Write<void> {
  if (steps.length === 0) return;
  yield {
    into: 'metricast_execution_total',
    columns: ['tenant_id', 'kind', 'tool_id', 'session_id', ...COLUMNS],
    rows: totalsOf(
      steps.flatMap((step) => scopesOf(step.run).map((scope) => ({ scope, step }))),
      ({ scope }) => [tenant, ...scope],
      TOTALS,
    ),
    onConflict: `ON CONFLICT (tenant_id, kind, tool_id, session_id) DO UPDATE SET
      ${COLUMNS.map((column) => `${column} = metricast_execution_total.${column} + excluded.${column}`).join(', ')}`,
  };
  const timed = steps.flatMap(({ run, end }) =>
    end?.runtime == null ? [] : { kind: run.kind ?? '', bin: binOf(end.runtime) },
  );
  if (timed.length === 0) return;
  yield {
    into: 'metricast_execution_runtime',
    columns: ['tenant_id', 'kind', 'bin', 'count'],
    rows: totalsOf(timed, ({ kind, bin }) => [tenant, kind, bin], [sumOf(() => 1)]),
    onConflict: `ON CONFLICT (tenant_id, kind, bin) DO UPDATE SET
      count = metricast_execution_runtime.count + excluded.count`,
  };
}

type Scope = readonly [kind: string, toolId: string, sessionId: string];

interface ScopedStep {
  readonly scope: Scope;
  readonly step: Step;
}

const COLUMNS = ['total', 'successful', 'failed', 'timed', 'runtime', 'credits'] as const;
const TOTALS: readonly Total<ScopedStep>[] = [
  sumOf(({ step }) => Number(step.isFirst)),
  sumOf(({ step }) => Number(step.end?.success === true)),
  sumOf(({ step }) => Number(step.end?.success === false)),
  sumOf(({ step }) => Number(step.end?.runtime != null)),
  sumOf(({ step }) => step.end?.runtime ?? 0),
  sumOf(({ step }) => step.end?.credits ?? 0),
];

/** The rows of totals that an execution counts in. */
function scopesOf({ kind, tool_id, session_id }: Run): Scope[] {
  const tools = tool_id === null ? [''] : ['', tool_id];
  const sessions = session_id === null ? [''] : ['', session_id];
  return tools.flatMap((tool) => sessions.map((session): Scope => [kind ?? '', tool, session]));
}
