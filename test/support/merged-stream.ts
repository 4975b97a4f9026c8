import { isDeepStrictEqual } from 'node:util';
import type { WireMessage } from './wire-client.js';

/** How the messages of a stream are told apart, and how they follow one another. */
export interface Stream {
  /** Equal for messages of which a newer one may stand in for an older one. */
  readonly seriesOf: (message: WireMessage) => string;
  /** Grows with each publication. */
  readonly ordinalOf: (message: WireMessage) => number;
  /** True for what may never be merged. */
  readonly isEvent: (message: WireMessage) => boolean;
}

/** What the dialect `channels` sends of its channels. */
export const CHANNELS: Stream = {
  seriesOf: ({ channel, name, type, tags, event }) =>
    JSON.stringify([channel, event === undefined, ...(name === undefined ? [] : [name, type, tags])]),
  ordinalOf: ({ offset }) => offset as number,
  isEvent: ({ event }) => event !== undefined,
};

/** States of one channel in a dialect that says nothing of them but their time. */
export const STATES: Stream = {
  seriesOf: () => 'state',
  ordinalOf: ({ timestamp }) => Date.parse(timestamp as string),
  isEvent: () => false,
};

/**
 * What is wrong with what a slow reader has seen of a stream, up to the last that it saw. Nothing is, where every
 * publication is accounted for: alone, or in a frame that says for how many it stands and tells what they amount to.
 *
 * @param all what one has seen who keeps up, from the same point on.
 */
export function mistakesIn(seen: readonly WireMessage[], all: readonly WireMessage[], stream = CHANNELS): string[] {
  const published = bySeries(all, stream);
  const mistakes = overtakersIn(seen, stream);
  for (const [series, frames] of bySeries(seen, stream)) {
    const own = published.get(series) ?? [];
    let next = 0;
    for (const frame of frames) {
      const end = own.findIndex((one) => stream.ordinalOf(one) === stream.ordinalOf(frame)) + 1;
      const why = mistakeIn(frame, own.slice(next, end), stream);
      if (why) mistakes.push(`${series} ${stream.ordinalOf(frame)} ${why}: ${JSON.stringify(frame)}`);
      next = Math.max(next, end);
    }
    if (frames[0]!['type'] !== 'counter') continue;
    const first = own.findIndex((one) => stream.ordinalOf(one) === stream.ordinalOf(frames[0]!));
    const [increase, expected] = [increaseOf(frames), increaseOf(own.slice(first, next))];
    if (increase !== expected) mistakes.push(`${series} increased by ${expected}, and not by ${increase}`);
  }
  return mistakes;
}

/** By how much a counter grew, by the rule of Prometheus: where it fell it began anew, from zero. */
export function increaseOf(frames: readonly WireMessage[]): number {
  const values = frames.map(({ value }) => value as number);
  return values
    .slice(1)
    .reduce((sum, value, index) => sum + (value < values[index]! ? value : value - values[index]!), 0);
}

/** The ordinal of the newest of each series. */
export function newestIn(messages: readonly WireMessage[], stream = CHANNELS): Map<string, number> {
  const series = [...bySeries(messages, stream)].sort(([one], [other]) => (one < other ? -1 : 1));
  return new Map(series.map(([name, frames]) => [name, stream.ordinalOf(frames.at(-1)!)]));
}

function bySeries(messages: readonly WireMessage[], { seriesOf }: Stream): Map<string, WireMessage[]> {
  const series = new Map<string, WireMessage[]>();
  for (const message of messages) {
    const name = seriesOf(message);
    const known = series.get(name);
    if (known) known.push(message);
    else series.set(name, [message]);
  }
  return series;
}

/** Within its channel, nothing comes before what is older. */
function overtakersIn(seen: readonly WireMessage[], { ordinalOf }: Stream): string[] {
  const newest = new Map<unknown, number>();
  return seen.flatMap((message) => {
    const [ordinal, before] = [ordinalOf(message), newest.get(message['channel']) ?? -Infinity];
    newest.set(message['channel'], Math.max(ordinal, before));
    return ordinal < before ? [`${ordinal} comes after ${before}: ${JSON.stringify(message)}`] : [];
  });
}

/** What is wrong with the frame that came for these publications. */
function mistakeIn(frame: WireMessage, publications: readonly WireMessage[], { isEvent }: Stream): string | undefined {
  const { conflated, ...message } = frame;
  const { length } = publications;
  if (length === 0) return 'was not published, or comes again';
  if (conflated !== (length === 1 ? undefined : length)) return `stands for ${length}`;
  if (length > 1 && isEvent(frame)) return 'is an event that was merged';
  if (length > 1 && frame['type'] === 'histogram') return mistakeInSummary(frame, publications);
  return isDeepStrictEqual(message, publications.at(-1)) ? undefined : 'is not what was published';
}

function mistakeInSummary(frame: WireMessage, publications: readonly WireMessage[]): string | undefined {
  const values = publications.map(({ value }) => value as number).sort((one, other) => one - other);
  const quantile = (share: number) => values[Math.floor(share * (values.length - 1))]!;
  const { count, sum, min, max, p50, p95, p99, value, ...rest } = frame as Record<string, number>;
  const isExact = count === values.length && min === values[0] && max === values.at(-1) && value === p50;
  const isSum = isNear(
    sum!,
    values.reduce((total, one) => total + one, 0),
    1e-9,
  );
  const areQuantiles = [p50, p95, p99].every((one, index) => isNear(one!, quantile([0.5, 0.95, 0.99][index]!), 0.01));
  if (!isExact || !isSum || !areQuantiles) return `is not the distribution of ${values.join()}`;
  const { conflated: _conflated, ...described } = rest as WireMessage;
  const { value: _value, ...last } = publications.at(-1)!;
  return isDeepStrictEqual(described, last) ? undefined : 'is not of the series that was published';
}

function isNear(one: number, other: number, share: number): boolean {
  // What is exact but for its last bit is at the edge of what is allowed.
  return Math.abs(one - other) <= share * Math.abs(other) * (1 + 1e-9);
}
