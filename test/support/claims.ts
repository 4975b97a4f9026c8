import type { DialectName } from '../../src/dialects/index.js';
import type { WireMessage } from './wire-client.js';

/** Which message of `docs/asyncapi.yaml` a message claims to be, as its receiver tells it from the others. */
export function claimOf(dialect: DialectName, message: WireMessage): string {
  switch (dialect) {
    case 'channels':
      return channelsClaim(message);
    case 'workspace':
      return `workspace${workspaceClaim(message)}`;
    case 'skills':
      return SKILLS[message['type'] as string] ?? UNKNOWN;
    case 'tools':
      return TOOLS[message['type'] as string] ?? UNKNOWN;
    case 'routing':
      return 'error' in message ? 'routingError' : message['type'] === 'pong' ? 'pong' : 'routingMetrics';
  }
}

const UNKNOWN = 'a message that the document does not know';

const SKILLS: Readonly<Record<string, string>> = {
  connected: 'skillsConnected',
  subscription_confirmed: 'skillsSubscribed',
  unsubscribed: 'skillsUnsubscribed',
  metrics_update: 'skillsUpdate',
  pong: 'pong',
  error: 'skillsError',
};

const TOOLS: Readonly<Record<string, string>> = {
  connected: 'toolsConnected',
  metrics: 'toolsMetrics',
  pong: 'pong',
  error: 'toolsError',
};

/** What comes on these channels beside values and events. */
const STATES: Readonly<Record<string, string>> = {
  'system.metrics': 'channelsSystemState',
  'workflow.metrics': 'channelsWorkflowState',
  'agent.metrics': 'channelsAgentState',
  'executions.metrics': 'channelsExecutionsState',
  'distributed.metrics': 'channelsDistributedState',
  'skills.metrics': 'channelsSkillsState',
  'tools.metrics': 'channelsToolsState',
  'routing.metrics': 'channelsRoutingState',
  'gateway.metrics': 'channelsGatewayState',
};

/** What the events that everybody knows are called, and a field by which they are told from a host's own of that name. */
const EVENTS: Readonly<Record<string, readonly [name: string, field: string]>> = {
  execution_started: ['ExecutionStarted', 'run_id'],
  execution_completed: ['ExecutionCompleted', 'run_id'],
  alert: ['Alert', 'message'],
};

function eventClaim(event: string, data: unknown): string {
  const [name, field] = EVENTS[event] ?? [];
  return name !== undefined && field! in (data as object) ? name : 'HostEvent';
}

function channelsClaim({ type, channel, name, event, data, window_start }: WireMessage): string {
  if (name !== undefined) return window_start === undefined ? 'channelsPoint' : 'channelsWindow';
  if (event !== undefined) return `channels${eventClaim(event as string, data)}`;
  if (type !== undefined) return `channels${capitalized(type as string)}`;
  return STATES[channel as string] ?? 'channelsHostState';
}

function workspaceClaim({ event, metric_type, data }: WireMessage): string {
  if (CONTROLS.has(event as string)) return capitalized(event as string);
  if (event !== 'metrics_update') return eventClaim(event as string, data);
  if (metric_type !== undefined) return 'RequestedMetrics';
  return 'total_executions' in (data as object) ? 'MetricsUpdate' : 'HostMetricsUpdate';
}

const CONTROLS = new Set(['connected', 'subscribed', 'unsubscribed', 'pong', 'error']);

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
