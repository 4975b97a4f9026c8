import { Injectable } from '@nestjs/common';
import {
  type ChannelName,
  type Event,
  type HistoryPage,
  type HistoryQuery,
  MetricastError,
  type Sample,
  TENANT_ID_FORM,
  type TenantId,
  parseChannelName,
  parseHistoryQuery,
  parseTenantId,
} from '../protocol/index.js';
import { HistoryPages } from './history-pages.js';
import { HistoryReader } from './history-reader.js';

/** What is wanted of the history of a channel, as `GET /channels/:channel/history` takes it too. */
export interface HistoryInput {
  readonly channel: string;
  /** ISO-8601, or Unix seconds. A window that it lies in is part of the answer. */
  readonly start_time: string | number;
  /** Exclusive; now where absent. */
  readonly end_time?: string | number;
  /** Of the series, or the type of events; all where absent. */
  readonly name?: string;
  /** Every pair must match; of a list, any value. */
  readonly tags?: Readonly<Record<string, string | readonly string[]>>;
  /** Values come together in windows of this length, in UTC; each by itself where absent. Not for events. */
  readonly aggregation_interval?: '1s' | '5s' | '1m' | '5m' | '1h';
}

/** A page of it. */
export interface HistoryPageInput extends HistoryInput {
  /** 1 to 10,000 values; 1000 where absent. */
  readonly limit?: number;
  /** The `nextCursor` of the page before; all else is to be as it was. */
  readonly cursor?: string;
}

/** What was recorded before, for a host's own code: the values and events of one channel, oldest first. */
@Injectable()
export class MetricsHistory {
  constructor(
    private readonly pages: HistoryPages,
    private readonly history: HistoryReader,
  ) {}

  /**
   * A page of a tenant's history; an empty one where nothing was recorded in such a channel. Timestamps are in milliseconds
   * since 1970. A sample with a `window` stands for all values of one: `value` is a gauge's mean, a counter's increase or a
   * histogram's median, and `summary` has count, sum, min, max, the `last` value of a gauge and the percentiles of a histogram. `resolution` says how
   * long these windows are: what was asked for, or longer where that is not kept as far back.
   *
   * @throws TypeError where the tenant cannot be one; `MetricastError` `bad_request` that lists every field that is wrong.
   */
  async page(tenant: string, input: HistoryPageInput): Promise<HistoryPage> {
    const { query, channel } = parse(input);
    const page = await this.pages.open(knownTenant(tenant), channel, query, query.filter);
    const messages: (Sample | Event)[] = [];
    for await (const rows of page.rows()) for (const { message } of rows) messages.push(message);
    return { channel, messages, nextCursor: page.nextCursor, resolution: page.resolution };
  }

  /**
   * All that {@link page} would give, page by page, however much it is: read piece by piece as it is consumed.
   *
   * @throws as {@link page}, when the first one is asked for.
   */
  async *values(tenant: string, input: HistoryInput): AsyncGenerator<Sample | Event, void, undefined> {
    const { query, channel } = parse(input);
    const { start, end = Date.now() + 1, filter, name, interval } = query;
    const span = { tenant: knownTenant(tenant), channel, start, end, filter, name, interval };
    for await (const rows of this.history.rows(span)) for (const { message } of rows) yield message;
  }
}

function parse(input: HistoryInput): { query: HistoryQuery; channel: ChannelName } {
  const channel = parseChannelName(input.channel);
  const errors = channel ? [] : [{ field: 'channel', message: 'must be a channel name' }];
  const query = parseHistoryQuery(input, errors);
  if (!channel) throw new MetricastError('bad_request', { errors });
  return { query, channel };
}

function knownTenant(tenant: string): TenantId {
  const parsed = parseTenantId(tenant);
  if (!parsed) throw new TypeError(`a tenant id is ${TENANT_ID_FORM}`);
  return parsed;
}
