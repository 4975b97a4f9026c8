import { ingestController } from '../../recording/index.js';
import { ExecutionRuntime } from './execution-runtime.entity.js';
import { ExecutionTotal } from './execution-total.entity.js';
import { ExecutionTotals } from './execution-totals.js';
import { Execution } from './execution.entity.js';
import { ExecutionsFeed } from './executions.feed.js';
import { ExecutionsRecorder } from './executions.recorder.js';

export { type CountedKind, type ExecutionKind, ExecutionTotals, type Totals } from './execution-totals.js';
export { type ExecutionInput } from './execution-item.js';
export { ExecutionsRecorder } from './executions.recorder.js';

/** The feed of `workflow.metrics`, `agent.metrics` and `executions.metrics`, and of the events of executions. */
export const executionsFeed = {
  entities: [Execution, ExecutionTotal, ExecutionRuntime],
  providers: [ExecutionTotals, ExecutionsRecorder, ExecutionsFeed],
  controllers: [ingestController('executions', ExecutionsRecorder)],
  exports: [ExecutionsRecorder],
};
