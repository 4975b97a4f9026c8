import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Follower } from '../support/follower.js';
import { mistakesIn } from '../support/merged-stream.js';
import { ServerProcess } from '../support/server-process.js';
import { SlowLink } from '../support/slow-link.js';
import { SteadyTraffic } from '../support/steady-traffic.js';
import { alert } from '../support/test-tenant.js';
import type { WireMessage } from '../support/wire-client.js';

const QUICK = 180;
const SLOW = 20;
const BYTES_PER_SECOND = 1000;
/** Seconds in which those who keep up are alone, in which the slow ones are there as well, and after which these have settled. */
const [ALONE, BESIDE, SETTLED] = [5, 60, 30];
const ROUNDS_A_SECOND = 2;
const ROUNDS_AN_ALERT = 4;
/** Says the last alert. */
const END = 'that was all';
const STATES = ['system.metrics', 'executions.metrics', 'tools.metrics', 'skills.metrics'];
const RECORDED = ['stock.metrics', 'orders.metrics', 'requests.metrics'];
const CHANNELS = [...STATES, ...RECORDED, 'alerts.events'];

/**
 * In seconds: how old the newest may be that a slow reader has seen of a channel. Of what is published, the newest of
 * everything is about 5 kB: 4 states 1.5, 3 gauges 0.5, 3 counters with a first value, a reset and a last one 1.8, 2
 * histograms 0.6, and events. That takes 5 s to read; while it is read the next 5 kB gather, so that the last of those
 * is up to twice as old when it comes, and what is under way at a time takes a second or two.
 */
const OLDEST = 20;
/** In milliseconds. Below that, what a busy machine does to everybody cannot be told from what a slow reader does. */
const PERCEPTIBLE = 1000;
/** So that memory which is free again is used again soon, and what the process takes is what it needs. */
const NODE_OPTIONS = '--max-semi-space-size=1';
/**
 * In bytes: by how much the memory of the server may grow. What the slow readers may take, and what comes and goes with
 * garbage collection: without slow readers it is up to 9 MiB more or less within minutes.
 * That is coarse, since most of what waits for a slow reader is frames that all share: it is for what nobody expects.
 */
const MOST_GROWTH = SLOW * 64 * 1024 + 16 * 1024 * 1024;

let directory: string;
let server: ServerProcess;
let link: SlowLink;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'metricast-slow-'));
  server = await ServerProcess.up({ DATABASE_URL: 'sqlite:slow.db', LOG_LEVEL: 'fatal', NODE_OPTIONS }, directory);
  link = await SlowLink.to(server.port, BYTES_PER_SECOND);
});

afterEach(async () => {
  await link.close();
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
});

it('readers of 1 kB/s see what is new, lose nothing, and nobody else notices them', { timeout: 120_000 }, async () => {
  const traffic = new SteadyTraffic();
  await record('metrics', traffic.next());
  const quick = await QuickReaders.open();
  const published = publish(traffic, ALONE + BESIDE);
  await setTimeout(ALONE * 1000);

  const slow = await Promise.all(Array.from({ length: SLOW }, () => SlowReader.open()));
  quick.areAlone = false;
  await setTimeout(SETTLED * 1000);
  const memory: number[] = [];
  let oldest = 0;
  for (let second = SETTLED; second < BESIDE; second += 0.25) {
    for (const { age } of slow) oldest = Math.max(oldest, age);
    memory.push(quick.serverMemory());
    await setTimeout(250);
  }
  await published;
  await quick.haveAll();
  tell(quick, slow, oldest, memory);

  expect(quick.mistakes).toEqual([]);
  expect(quantile(quick.latencies.beside, 0.99)).toBeLessThan(quantile(quick.latencies.alone, 0.99) + PERCEPTIBLE);
  expect(slow.filter(({ follower }) => !follower.isOpen)).toEqual([]);
  expect(slow.filter(({ seen }) => !seen.some((message) => 'conflated' in message))).toEqual([]);
  expect(slow.flatMap((reader) => reader.mistakes(quick.seen))).toEqual([]);
  expect(oldest / 1000).toBeLessThan(OLDEST);
  expect(median(memory.slice(-20)) - median(memory.slice(0, 20))).toBeLessThan(MOST_GROWTH);
  await Promise.all([...quick.followers, ...slow.map(({ follower }) => follower)].map((follower) => follower.close()));
});

/** Those who keep up. */
class QuickReaders {
  readonly followers: Follower[] = [];
  /** Everything that was published since the first came, as that one saw it. */
  readonly seen: WireMessage[] = [];
  /** What did not follow what came before it, or stands for several. */
  readonly mistakes: string[] = [];
  /** From what a message says of its time to when it came, in milliseconds. */
  readonly latencies = { alone: [] as number[], beside: [] as number[] };
  areAlone = true;
  #left = QUICK;
  #ended!: () => void;
  readonly #end = new Promise<void>((resolve) => (this.#ended = resolve));

  static async open(): Promise<QuickReaders> {
    const readers = new QuickReaders();
    for (let count = 0; count < QUICK; count++) {
      readers.followers.push(
        await follow(server.port, (message, before) => readers.#take(message, before, count === 0)),
      );
    }
    return readers;
  }

  /** Resolves when each has seen all that was recorded. */
  async haveAll(): Promise<void> {
    await record('alerts', alert({ message: END }));
    await this.#end;
    const latecomer = await follow(server.port, () => undefined);
    for (const channel of [...RECORDED, 'alerts.events']) {
      const offsets = new Set(this.followers.map(({ offsets }) => offsets.get(channel)));
      expect([...offsets], channel).toEqual([latecomer.since.get(channel)]);
    }
    await latecomer.close();
  }

  /** Of the server's process, in bytes. */
  serverMemory(): number {
    const { tags } = this.seen.find(({ channel }) => channel === 'system.metrics')!;
    // Collected states are tagged with the host and the process that they come from.
    const pid = (tags as { instance: string }).instance.split(':').at(-1)!;
    return 1024 * Number(/^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))![1]);
  }

  #take(message: WireMessage, before: number, isFirst: boolean): void {
    const { offset, timestamp, data } = message as { offset: number; timestamp: string; data?: { message: string } };
    if (isFirst) this.seen.push(message);
    if (offset !== before + 1 || 'conflated' in message) this.mistakes.push(JSON.stringify(message));
    this.latencies[this.areAlone ? 'alone' : 'beside'].push(Date.now() - Date.parse(timestamp));
    if (data?.message === END && --this.#left === 0) this.#ended();
  }
}

/** One that is brought a kilobyte a second. */
class SlowReader {
  readonly seen: WireMessage[] = [];
  follower!: Follower;

  static async open(): Promise<SlowReader> {
    const reader = new SlowReader();
    reader.follower = await follow(link.port, (message) => reader.seen.push(message));
    return reader;
  }

  /** Of the channel whose newest message is the oldest: how old that is, in milliseconds. */
  get age(): number {
    const ages = this.follower.ages(Date.now());
    // Nobody publishes events steadily.
    ages.delete('alerts.events');
    return Math.max(...ages.values());
  }

  mistakes(all: readonly WireMessage[]): string[] {
    const { since } = this.follower;
    return mistakesIn(
      this.seen,
      all.filter(({ channel, offset }) => (offset as number) > since.get(channel as string)!),
    );
  }
}

function follow(port: number, take: (message: WireMessage, before: number) => void): Promise<Follower> {
  return Follower.open(`ws://127.0.0.1:${port}/ws/metrics`, CHANNELS, take);
}

async function record(what: 'metrics' | 'alerts', items: unknown): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(server.url(`/ingest/${what}`), { method: 'POST', headers, body: JSON.stringify(items) });
  expect([answer.status, await answer.text()]).toEqual([202, expect.stringContaining('"rejected":[]')]);
}

/** Records, round by round, for so many seconds. */
async function publish(traffic: SteadyTraffic, seconds: number): Promise<void> {
  const begun = performance.now();
  for (let round = 1; round <= seconds * ROUNDS_A_SECOND; round++) {
    await record('metrics', traffic.next());
    if (round % ROUNDS_AN_ALERT === 0) await record('alerts', alert({ message: `in round ${round}` }));
    await setTimeout(Math.max(0, begun + (round * 1000) / ROUNDS_A_SECOND - performance.now()));
  }
}

function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.floor(share * (sorted.length - 1))]!;
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

function tell({ seen, latencies }: QuickReaders, slow: readonly SlowReader[], oldest: number, memory: number[]): void {
  const published =
    Buffer.byteLength(seen.map((message) => JSON.stringify(message)).join('')) / (ALONE + BESIDE) / 1000;
  const conflated = slow.flatMap((reader) => reader.seen.map((message) => (message['conflated'] as number) ?? 1));
  const mega = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MB`;
  process.stdout.write(
    `slow readers: ${published.toFixed(1)} kB/s published; the oldest was ${(oldest / 1000).toFixed(1)} s, a frame stood for ` +
      `${quantile(conflated, 0.5)}, p99 ${quantile(conflated, 0.99)}, at most ${Math.max(...conflated)}; ` +
      `others: p99 ${quantile(latencies.alone, 0.99)} ms alone, ${quantile(latencies.beside, 0.99)} ms beside; ` +
      `server: ${mega(median(memory.slice(0, 20)))}, then ${mega(median(memory.slice(-20)))}\n`,
  );
}
