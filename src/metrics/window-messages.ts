import { Injectable } from '@nestjs/common';
import {
  type Aggregate,
  type ChannelName,
  type Failure,
  type Interval,
  type Message,
  type Millis,
  NO_FILTER,
  type Sample,
  type TenantId,
  type Window,
} from '../protocol/index.js';
import { ChannelSeries, RollupReader } from '../store/index.js';
import type { DueWindow } from './open-windows.js';
import type { Noted, SeriesSample } from './recorded-windows.js';

/** What is said of a window that has ended: its aggregates, and what failed instead. */
export interface WindowMessagesResult {
  readonly messages: readonly Message[];
  /** The series that were read, by their numbers. */
  readonly series: readonly number[];
  readonly error?: unknown;
}

/** Puts a window into messages, one for each name and tag set. What was recorded is read as history has it. */
@Injectable()
export class WindowMessages {
  constructor(
    private readonly series: ChannelSeries,
    private readonly rollups: RollupReader,
  ) {}

  /** Does not throw. */
  async of(tenant: TenantId, channel: ChannelName, interval: Interval, due: DueWindow): Promise<WindowMessagesResult> {
    const { start, recorded, collected } = due;
    const messages: Message[] = [];
    let series: readonly number[] = [];
    let error: unknown;
    const fail = (cause: unknown, filterKey?: string) => {
      error = cause;
      messages.push({ kind: 'failure', timestamp: start, filterKey, interval } satisfies Failure);
    };
    for (const view of collected) {
      const window: Window = { interval, filterKey: view.filterKey };
      for (const { point, aggregate } of view.points) messages.push(sampleOf(point, aggregate, start, window));
      if (view.error !== undefined) fail(view.error, view.filterKey);
    }
    if (recorded) {
      try {
        const read = await this.#read(tenant, channel, interval, start, recorded);
        for (const sample of read.values()) messages.push(sample);
        series = [...read.keys()];
      } catch (cause) {
        fail(cause);
      }
    }
    return { messages, series, error };
  }

  async #read(
    tenant: TenantId,
    channel: ChannelName,
    interval: Interval,
    start: Millis,
    recorded: Noted,
  ): Promise<ReadonlyMap<number, Sample>> {
    const series = recorded === 'any' ? await this.#all(tenant, channel) : recorded;
    const aggregates = await this.rollups.at(interval, start, [...series.keys()]);
    const window: Window = { interval };
    return new Map([...aggregates].map(([id, aggregate]) => [id, sampleOf(series.get(id)!, aggregate, start, window)]));
  }

  async #all(tenant: TenantId, channel: ChannelName): Promise<ReadonlyMap<number, SeriesSample>> {
    const series = await this.series.of(tenant, channel, NO_FILTER);
    return new Map(series.map((one) => [one.id, one]));
  }
}

function sampleOf({ name, type, tags }: SeriesSample, aggregate: Aggregate, timestamp: Millis, window: Window): Sample {
  const { value, summary } = aggregate;
  return { kind: 'sample', name, type, value, timestamp, tags, summary, window };
}
