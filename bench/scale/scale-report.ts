import type { Report, Table } from '../harness/report.js';
import { median } from '../harness/statistics.js';
import { busyNotes } from '../harness/window.js';
import type { SecondsRound } from './crowd.js';
import type { ScaleRound } from './scale.bench.js';

export const FEW = 1000;
export const MANY = 10_000;

export interface Setting {
  /** Of a frame of the message, in microseconds. */
  readonly encoding: number;
  readonly seconds: number;
  readonly everySecond: number;
}

const NAME = { name: 'scale', title: 'Many connections, many audiences' } as const;

export function scaleReport(rounds: readonly ScaleRound[], { encoding, seconds, everySecond }: Setting): Report {
  const of = (pick: (round: ScaleRound) => number) => median(rounds.map(pick));
  const few = of(({ metricast }) => metricast.few.cpuPerDelivery);
  const many = of(({ metricast }) => metricast.many.cpuPerDelivery);
  const apart = of(({ metricast }) => metricast.apart.cpuPerDelivery);
  const floorFew = of(({ floor }) => floor.few.cpuPerDelivery);
  const floorMany = of(({ floor }) => floor.many.cpuPerDelivery);
  const all = rounds.flatMap(({ floor, metricast }) => [...Object.values(floor), ...Object.values(metricast)]);
  const [fewShown, manyShown] = [FEW, MANY].map((count) => count.toLocaleString('en-US'));
  return {
    ...NAME,
    method:
      `A message of 1 KB, recorded over HTTP and committed, to ${fewShown} connections, ` +
      `to ${manyShown}, and to ${fewShown} of which each has a tag filter of its own that the message meets. It is published when all ` +
      `have the one before, for ${seconds} s; and once a second, for ${everySecond} s. The floor is one prepared frame, written ` +
      `to bare sockets of \`net\`. Each has a server and a load generator of its own, which rest while others are measured; ` +
      `${rounds.length} rounds in turn, medians. The longest delay of the event loop is to the millisecond.`,
    tables: [
      {
        title: 'CPU µs a delivery, by connections',
        columns: ['', fewShown!, manyShown!, 'ratio'],
        rows: [
          ['floor', floorFew, floorMany, floorMany / floorFew],
          ['Metricast', few, many, many / few],
        ],
      },
      everySecondTable(rounds, manyShown!),
      {
        title: `CPU µs a delivery to ${fewShown} connections, by audiences`,
        columns: ['', 'µs', 'ratio'],
        rows: [
          ['one audience', few, 1],
          [`${fewShown} audiences of one`, apart, apart / few],
          ['to encode the message once', encoding, undefined],
        ],
      },
    ],
    targets: [
      { what: `CPU a delivery, ${manyShown} × ${fewShown} connections`, measured: many / few, atMost: 1.1 },
      { what: `p99, ms, ${manyShown} × 1/s`, measured: of(({ metricast }) => metricast.everySecond.p99), atMost: 100 },
      {
        what: `longest event loop delay, ms, ${manyShown} × 1/s`,
        measured: of(({ metricast }) => metricast.everySecond.longestDelay),
        atMost: 20,
      },
      {
        what: `CPU a delivery without the encoding, ${fewShown} audiences × one`,
        measured: (apart - encoding) / few,
        atMost: 1.3,
      },
    ],
    notes: busyNotes(all.map(({ busy }) => busy)),
    rounds,
  };
}

/** What is said where the load generator cannot be compiled. */
export function skippedReport(): Report {
  const notes = ['Skipped: there is no C compiler here, for the load generator.'];
  return { ...NAME, method: '', tables: [], targets: [], notes, rounds: [] };
}

function everySecondTable(rounds: readonly ScaleRound[], many: string): Table {
  const row = (what: string, of: (round: ScaleRound) => SecondsRound) => {
    const value = (pick: (round: SecondsRound) => number) => median(rounds.map((round) => pick(of(round))));
    return [
      what,
      value(({ p50 }) => p50),
      value(({ p99 }) => p99),
      value(({ max }) => max),
      value(({ longestDelay }) => longestDelay),
      value(({ expected, deliveries }) => expected - deliveries),
    ];
  };
  return {
    title: `${many} connections, one message a second, milliseconds to receipt`,
    columns: ['', 'p50', 'p99', 'max', 'longest event loop delay', 'missing'],
    rows: [row('floor', ({ floor }) => floor.everySecond), row('Metricast', ({ metricast }) => metricast.everySecond)],
  };
}
