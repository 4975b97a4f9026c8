declare const brand: unique symbol;

/** The name of a channel: `NAME.metrics` or `NAME.events`. Only {@link parseChannelName} and the table below make one. */
export type ChannelName = string & { readonly [brand]: 'ChannelName' };

/** Channels that one connection may be subscribed to, where nobody says otherwise. */
export const MAX_CHANNELS = 128;
/** Names in one frame, whatever a connection may have: each is looked up, and answered where there is no such thing. */
export const MAX_NAMES_A_FRAME = 1024;

const CHANNEL_NAME = /^[a-z0-9_.-]{1,121}\.(metrics|events)$/;

/** Returns the value as a channel name, or `undefined` where it is not one. */
export function parseChannelName(value: unknown): ChannelName | undefined {
  return typeof value === 'string' && value.length <= 128 && CHANNEL_NAME.test(value)
    ? (value as ChannelName)
    : undefined;
}

const builtIn = (name: string) => name as ChannelName;

export const SYSTEM_METRICS = builtIn('system.metrics');
export const SKILLS_METRICS = builtIn('skills.metrics');
export const TOOLS_METRICS = builtIn('tools.metrics');
export const ROUTING_METRICS = builtIn('routing.metrics');
export const WORKFLOW_METRICS = builtIn('workflow.metrics');
export const AGENT_METRICS = builtIn('agent.metrics');
export const DISTRIBUTED_METRICS = builtIn('distributed.metrics');
/** Executions of every kind together. */
export const EXECUTIONS_METRICS = builtIn('executions.metrics');
export const EXECUTIONS_EVENTS = builtIn('executions.events');
export const ALERTS_EVENTS = builtIn('alerts.events');
/** This service's own figures: for operators alone. */
export const GATEWAY_METRICS = builtIn('gateway.metrics');

/** The channels that exist for every tenant, recorded in or not. */
export const BUILT_IN_CHANNELS: ReadonlySet<ChannelName> = new Set([
  SYSTEM_METRICS,
  WORKFLOW_METRICS,
  AGENT_METRICS,
  DISTRIBUTED_METRICS,
  SKILLS_METRICS,
  TOOLS_METRICS,
  ROUTING_METRICS,
  EXECUTIONS_EVENTS,
  ALERTS_EVENTS,
  GATEWAY_METRICS,
]);
