import { type ChannelName, parseChannelName } from './channel.js';
import { type Resolution, parseInterval } from './interval.js';
import type { Position } from './publication.js';
import { TIMESTAMP_END, type Millis } from './timestamp.js';

const MAX_LENGTH = 512;
const LIVE = /^([^@]+)@(.+):(\d{1,16})$/;
const HISTORY = /^([^@]+)@(\w+):(\d{1,15})\.(\d{1,10})\.(\d{1,16}):(\d{1,15})$/;
/** The greatest number that a series can have. */
const MAX_SERIES = 2 ** 31 - 1;

/** Where a publication stands in its channel. */
export interface LiveCursor extends Position {
  readonly channel: ChannelName;
}

/** A place in the order of history: by time, then by series, then by arrival. Numbers of series and rows begin at 1. */
export interface Place {
  readonly timestamp: Millis;
  readonly series: number;
  readonly row: number;
}

/** Where a page of history ended, and what must stay as it was for the next one to go on there. */
export interface HistoryCursor {
  readonly channel: ChannelName;
  readonly resolution: Resolution;
  readonly after: Place;
  /** Exclusive. */
  readonly end: Millis;
}

/** A text that says where in its channel a publication stands. */
export function cursorOf({ channel, epoch, offset }: LiveCursor): string {
  return `${channel}@${epoch}:${offset}`;
}

/** Reads what {@link cursorOf} wrote; `undefined` for anything else. */
export function parseCursor(text: string): LiveCursor | undefined {
  const [, name, epoch = '', digits] = (text.length <= MAX_LENGTH && LIVE.exec(text)) || [];
  const [channel, offset] = [parseChannelName(name), Number(digits)];
  return channel && Number.isSafeInteger(offset) ? { channel, epoch, offset } : undefined;
}

/** A text that says where a page of history ended. */
export function historyCursorOf({ channel, resolution, after, end }: HistoryCursor): string {
  const { timestamp, series, row } = after;
  return `${channel}@${resolution}:${timestamp}.${series}.${row}:${end}`;
}

/**
 * Reads what {@link historyCursorOf} wrote; `undefined` for anything else. Anybody can have written it: its numbers say
 * where to go on, and nothing of what may be read there.
 */
export function parseHistoryCursor(text: string): HistoryCursor | undefined {
  const [, name, word, ...digits] = (text.length <= MAX_LENGTH && HISTORY.exec(text)) || [];
  const channel = parseChannelName(name);
  const resolution = word === 'raw' ? word : parseInterval(word);
  const [timestamp, series, row, end] = digits.map(Number) as [number, number, number, number];
  const isPlace = timestamp < TIMESTAMP_END && end < TIMESTAMP_END && series <= MAX_SERIES && Number.isSafeInteger(row);
  return channel && resolution && isPlace ? { channel, resolution, after: { timestamp, series, row }, end } : undefined;
}
