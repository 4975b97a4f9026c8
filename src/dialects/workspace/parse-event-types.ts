import { MAX_CHANNELS, MetricastError } from '../../protocol/index.js';

/** Reads a list of event types. Whether such events exist is not for a dialect to know. */
export function parseEventTypes(value: unknown): string[] {
  if (!Array.isArray(value) || !value.every((type) => typeof type === 'string')) {
    throw new MetricastError('bad_subscription', { detail: 'event_types must be a list of event types' });
  }
  if (value.length > MAX_CHANNELS) {
    throw new MetricastError('bad_subscription', { detail: `at most ${MAX_CHANNELS} event types a connection` });
  }
  return value;
}
