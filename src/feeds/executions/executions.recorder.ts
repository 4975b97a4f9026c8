import { Injectable } from '@nestjs/common';
import {
  AGENT_METRICS,
  EXECUTIONS_EVENTS,
  EXECUTIONS_METRICS,
  type Publishable,
  TOOLS_METRICS,
  type TenantId,
  WORKFLOW_METRICS,
} from '../../protocol/index.js';
import { type RecordKind, type RecordResult, Recorder, knownTenant, readItem } from '../../recording/index.js';
import { EventStore, type Write } from '../../store/index.js';
import { countSteps } from './execution-counts.js';
import { eventOf } from './execution-event.js';
import { type ExecutionInput, type ExecutionItem, EXECUTION_FIELDS } from './execution-item.js';
import { takeSteps } from './execution-steps.js';

/** Records starts and ends of executions: the executions, what they amount to, and the events that they are. */
@Injectable()
export class ExecutionsRecorder {
  readonly #kind: RecordKind<ExecutionItem>;

  constructor(
    private readonly recorder: Recorder,
    events: EventStore,
  ) {
    this.#kind = {
      name: 'executions',
      // The state of the tools shows executions too.
      states: [WORKFLOW_METRICS, AGENT_METRICS, EXECUTIONS_METRICS, TOOLS_METRICS],
      rowsPerItem: 8,
      parse: (item, now) => readItem(EXECUTION_FIELDS, item, now),
      *write(tenant: TenantId, items: readonly ExecutionItem[]): Write<() => readonly Publishable[]> {
        const steps = yield* takeSteps(tenant, items);
        yield* countSteps(tenant, steps);
        return yield* events.append(
          tenant,
          steps.map((step) => ({ channel: EXECUTIONS_EVENTS, event: eventOf(step) })),
        );
      },
    };
  }

  /**
   * Records starts and ends for a tenant. When it resolves they are committed, their events are on their way to the
   * subscribers of `executions.events`, and states show them from their next tick on.
   *
   * @param input one item or up to 10,000; each is validated by itself. A bad one throws nothing:
   * it is named in the `rejected` of the result.
   * @throws TypeError where the tenant cannot be one (1 to 128 of `A-Z a-z 0-9 _ . -`, the first a letter or a digit);
   * `MetricastError` `too_large` for more than 10,000 items.
   * @throws `MetricastError` `busy` where the store cannot take them: none is stored, unless the
   * database failed midway: of many items some may be stored then. The call may be repeated: a run starts and ends once.
   */
  async record(tenant: string, input: ExecutionInput | readonly ExecutionInput[]): Promise<RecordResult> {
    return this.recorder.record(this.#kind, knownTenant(tenant), Array.isArray(input) ? input : [input]);
  }
}
