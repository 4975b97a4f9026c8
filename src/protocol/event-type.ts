import { type ChannelName, ALERTS_EVENTS, EXECUTIONS_EVENTS, EXECUTIONS_METRICS } from './channel.js';

/** What an event type is, in words. */
export const EVENT_TYPE_FORM = '1 to 64 characters of A-Z a-z 0-9 _ . -, the first a letter';

const EVENT_TYPE = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;

export const EXECUTION_STARTED = 'execution_started';
export const EXECUTION_COMPLETED = 'execution_completed';
export const METRICS_UPDATE = 'metrics_update';
export const ALERT = 'alert';

/** The types that every tenant can ask for, and the channels on which they come: as events, or as the channel's state. */
export const BUILT_IN_EVENT_TYPES: ReadonlyMap<string, readonly ChannelName[]> = new Map([
  [EXECUTION_STARTED, [EXECUTIONS_EVENTS]],
  [EXECUTION_COMPLETED, [EXECUTIONS_EVENTS]],
  [METRICS_UPDATE, [EXECUTIONS_METRICS, EXECUTIONS_EVENTS]],
  [ALERT, [ALERTS_EVENTS]],
]);

/** Returns the value as an event type, or `undefined` where it is not one. */
export function parseEventType(value: unknown): string | undefined {
  return typeof value === 'string' && EVENT_TYPE.test(value) ? value : undefined;
}
