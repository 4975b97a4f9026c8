import { beforeEach, describe, expect, test } from 'vitest';
import { ChannelLog, KEPT_FOR, PublicationLog } from '../../../src/broker/publication-log.js';
import type { Message } from '../../../src/protocol/index.js';
import { eventWith, publicationOf, sampleWith, stateFor } from '../../support/publications.js';

/** Channels enough that none reaches its own limit before all of them together do. */
const CHANNELS = 1000;
const sample = sampleWith();
const state = stateFor();

let log: PublicationLog;
let channels: ChannelLog[];
beforeEach(() => {
  log = new PublicationLog();
  channels = Array.from({ length: CHANNELS }, () => new ChannelLog());
});

function add(to: ChannelLog, message: Message, now = 0): void {
  log.add(to, publicationOf(message, { offset: ++to.offset }), now);
}

/** Adds to one channel after the other. */
function spread(count: number, message: Message): void {
  for (let at = 0; at < count; at++) add(channels[at % CHANNELS]!, message);
}

describe('the log of publications', () => {
  test('keeps 100,000 of all channels together, and forgets the oldest first', () => {
    spread(100_000, sample);
    expect(log.since(channels[0]!, 0, 0)).toHaveLength(100);
    add(new ChannelLog(), sample);
    expect(log.since(channels[0]!, 0, 0)).toBeUndefined();
    expect(log.since(channels[0]!, 1, 0)).toHaveLength(99);
    expect(log.since(channels[1]!, 0, 0)).toHaveLength(100);
  });

  test('keeps less of what is large', () => {
    const [tagged, told] = [new ChannelLog(), new ChannelLog()];
    const text = 'x'.repeat(256);
    const tags = Object.fromEntries(Array.from({ length: 16 }, (_, at) => [`tag-${at}`, text]));
    for (let count = 0; count < 100; count++) add(tagged, sampleWith({ tags }));
    for (let count = 0; count < 100; count++) add(told, eventWith({ data: { message: text.repeat(16) } }));
    spread(98_200, sample);
    expect(log.since(tagged, 0, 0)).toHaveLength(100);
    spread(900, sample);
    expect(log.since(tagged, 0, 0)).toBeUndefined();
    expect(log.since(told, 0, 0)).toHaveLength(100);
    spread(1, sample);
    expect(log.since(told, 0, 0)).toBeUndefined();
  });

  test('keeps 10,000 states, however few others there are, and these however many states', () => {
    const quiet = new ChannelLog();
    add(quiet, sample);
    spread(10_000, state);
    expect(log.since(channels[0]!, 0, 0)).toHaveLength(10);
    spread(1, state);
    expect(log.since(channels[0]!, 0, 0)).toBeUndefined();
    expect(log.since(channels[1]!, 0, 0)).toHaveLength(10);
    expect(log.since(quiet, 0, 0)).toHaveLength(1);
  });

  test('forgets what is older of a channel along with a state that had to go', () => {
    const mixed = new ChannelLog();
    add(mixed, sample);
    add(mixed, state);
    add(mixed, sample);
    spread(10_000, state);
    expect(log.since(mixed, 1, 0)).toBeUndefined();
    expect(log.since(mixed, 2, 0)).toHaveLength(1);
  });

  test('does not count what one channel has forgotten by itself', () => {
    const [busy, quiet] = [new ChannelLog(), new ChannelLog()];
    add(quiet, sample);
    for (let count = 0; count < 150_000; count++) add(busy, sample);
    expect(log.since(quiet, 0, 0)).toHaveLength(1);
    expect(log.since(busy, busy.offset - 300, 0)).toHaveLength(300);
  });

  test('forgets what is too old when anything newer comes, so that nothing old stays in memory', () => {
    spread(10, sample);
    add(new ChannelLog(), sample, KEPT_FOR + 1);
    expect(channels.every(({ oldest, newest }) => oldest === undefined && newest === undefined)).toBe(true);
  });
});
