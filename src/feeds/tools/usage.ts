import type { Millis } from '../../protocol/index.js';
import { BadItem, type Field, Refusal, oneOf, optional, readItem, text, timestamp } from '../../recording/index.js';
import type { Identified } from '../../store/index.js';
import type { Counts } from './usage-counters.js';

/** The kinds of work that are counted. */
export type UsageKind = 'embedding' | 'compression' | 'response_cache';

/**
 * What one piece of work of a tool added, or a batch of them, as `POST /ingest/usage` takes it too: increases, not
 * totals. All numbers are whole, from 0 to 1e12, and 0 where absent if nothing else is said.
 */
export interface UsageInput {
  readonly tool_id: string;
  readonly session_id?: string;
  readonly kind: UsageKind;
  /** Embeddings or compressions made; 1 of them where absent. */
  readonly count?: number;
  /** Of the embeddings, those that came from the cache. */
  readonly cache_hits?: number;
  readonly original_tokens?: number;
  readonly compressed_tokens?: number;
  /** Where absent: `original_tokens - compressed_tokens` if both are given, and not below 0. */
  readonly tokens_saved?: number;
  /** Of the response cache. */
  readonly hits?: number;
  readonly misses?: number;
  /** ISO-8601, or Unix seconds; now where absent, at most 5 minutes in the future. */
  readonly timestamp?: string | number;
  /** Makes the item idempotent: a second one with this id within 24 hours is accepted and not counted. */
  readonly id?: string;
}

/** An item of usage, with all its counters. */
export interface Usage extends Identified, Counts {
  readonly tool_id: string;
  readonly session_id: string | undefined;
  readonly kind: UsageKind;
  readonly timestamp: Millis;
}

const MAX_COUNT = 1e12;

const count: Field<number | undefined> = optional((value) =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_COUNT
    ? value
    : new Refusal(`must be a whole number from 0 to ${MAX_COUNT}`),
);

const FIELDS = {
  id: optional(text(200)),
  tool_id: text(200),
  session_id: optional(text(200)),
  kind: oneOf('embedding', 'compression', 'response_cache'),
  count,
  cache_hits: count,
  original_tokens: count,
  compressed_tokens: count,
  tokens_saved: count,
  hits: count,
  misses: count,
  timestamp,
};

export function parseUsage(item: unknown, now: Millis): Usage | BadItem {
  const read = readItem(FIELDS, item, now);
  if (read instanceof BadItem) return read;
  const { kind, original_tokens, compressed_tokens } = read;
  const saved =
    original_tokens === undefined || compressed_tokens === undefined
      ? 0
      : Math.max(0, original_tokens - compressed_tokens);
  return {
    ...read,
    count: read.count ?? (kind === 'response_cache' ? 0 : 1),
    cache_hits: read.cache_hits ?? 0,
    original_tokens: original_tokens ?? 0,
    compressed_tokens: compressed_tokens ?? 0,
    tokens_saved: read.tokens_saved ?? saved,
    hits: read.hits ?? 0,
    misses: read.misses ?? 0,
  };
}
