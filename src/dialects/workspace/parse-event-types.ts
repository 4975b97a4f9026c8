import { MAX_NAMES_A_FRAME, MetricastError } from '../../protocol/index.js';

/** Reads a list of event types. Whether such events exist is not for a dialect to know. */
export function parseEventTypes(value: unknown): string[] {
  if (!Array.isArray(value) || !value.every((type) => typeof type === 'string')) {
    throw new MetricastError('bad_subscription', { detail: 'event_types must be a list of event types' });
  }
  if (value.length > MAX_NAMES_A_FRAME) {
    throw new MetricastError('bad_subscription', { detail: `at most ${MAX_NAMES_A_FRAME} event types a frame` });
  }
  return value;
}
