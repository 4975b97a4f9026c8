declare const brand: unique symbol;

/** The name of a channel: `NAME.metrics` or `NAME.events`. Only {@link parseChannelName} and the table below make one. */
export type ChannelName = string & { readonly [brand]: 'ChannelName' };

/** Channels that one connection may be subscribed to. */
export const MAX_CHANNELS = 128;

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
/** This service's own figures: for operators alone. */
export const GATEWAY_METRICS = builtIn('gateway.metrics');

/** The channels that exist for every tenant, recorded in or not. */
export const BUILT_IN_CHANNELS: ReadonlySet<ChannelName> = new Set([
  SYSTEM_METRICS,
  builtIn('workflow.metrics'),
  builtIn('agent.metrics'),
  builtIn('distributed.metrics'),
  SKILLS_METRICS,
  builtIn('tools.metrics'),
  builtIn('routing.metrics'),
  builtIn('executions.events'),
  builtIn('alerts.events'),
  GATEWAY_METRICS,
]);
