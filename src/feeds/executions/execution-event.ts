import { EXECUTION_COMPLETED, EXECUTION_STARTED, type Event, type Tags, isoTimestamp } from '../../protocol/index.js';
import type { Run, Step } from './execution-steps.js';

/** The event that a step of an execution is. An execution that failed has completed, too. */
export function eventOf({ run, at, end }: Step): Event {
  const { agent_id, run_id, user_id } = run;
  const common = { kind: 'event', timestamp: at, tags: tagsOf(run) } as const;
  if (!end) {
    return {
      ...common,
      type: EXECUTION_STARTED,
      data: { agent_id, run_id, user_id, started_at: isoTimestamp(at) },
    };
  }
  return {
    ...common,
    type: EXECUTION_COMPLETED,
    data: {
      agent_id,
      run_id,
      success: end.success,
      runtime_seconds: end.runtime,
      credits_consumed: end.credits,
      completed_at: isoTimestamp(at),
    },
  };
}

/** Sorted, so that equal tags have equal keys. */
const TAGS = ['agent_id', 'kind', 'session_id', 'tool_id', 'user_id'] as const;

function tagsOf(run: Run): Tags {
  const tags = Object.create(null) as Record<string, string>;
  for (const name of TAGS) {
    const value = run[name];
    if (value !== null) tags[name] = value;
  }
  return tags;
}
