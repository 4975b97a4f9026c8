import type { Report, Table } from '../harness/report.js';
import { median } from '../harness/statistics.js';
import { busyNotes } from '../harness/window.js';
import { METRICAST } from '../peers/metricast.js';
import { KINDS, LIVE, NEVER_READING, STEPS, STEP_BYTES, type Step } from './never-reading.js';
import type { NeverReadingRound, SlowReaderRound } from './slow.bench.js';
import { PER_SECOND, READERS, SLOW_BYTES_PER_SECOND } from './slow-reader.js';

const NAME = { name: 'slow', title: 'Those who do not read, or slowly' } as const;
const KIB = 1024;
const MIB = 1024 * 1024;
/** Steps between two rows. */
const STEPS_A_ROW = 2;

export function slowReport(
  neverReading: readonly NeverReadingRound[],
  slowReader: readonly SlowReaderRound[],
  seconds: number,
): Report {
  const behind = neverReading.flatMap((round) => round.get(METRICAST.name)!.filter(({ isBehind }) => isBehind));
  const p99 = (which: 'without' | 'with') => median(slowReader.map((round) => round[which].p99));
  const isCut = slowReader.some((round) => round.isCut);
  const incomplete = slowReader
    .flatMap((round) => [round.without, round.with])
    .some((paced) => paced.deliveries < paced.expected);
  return {
    ...NAME,
    method:
      `${NEVER_READING} connections that never read beside ${LIVE} that read all, while messages of 4 KB are published, eight at ` +
      'once, the next ones when those who read have them; beside it the usual Nest gateway. Memory after garbage ' +
      'collection, for each that never reads, over what there was while the kernel still took everything for it; ' +
      `${neverReading.length} rounds, medians. ` +
      `Then messages of 1 KB, ${PER_SECOND} a second, to ${READERS.toLocaleString('en-US')} connections, all of which read, and to as ` +
      `many of which one reads ${SLOW_BYTES_PER_SECOND.toLocaleString('en-US')} bytes a second, and is so far behind that the kernel takes no ` +
      `more for it; ${seconds} s each, ${slowReader.length} rounds in turn, medians.`,
    tables: [...KINDS.map(([{ name }]) => memoryTable(neverReading, name)), latencyTable(slowReader)],
    targets: [
      {
        what: 'KiB resident for each that never reads, once the server has to wait for it',
        measured: median(behind.map(residentKib)),
        atMost: 64,
      },
      {
        what: 'KiB of objects and buffers for each, at most',
        measured: Math.max(...behind.map(heldKib)),
        atMost: 64,
      },
      { what: 'p99 of the others beside a slow reader, ratio', measured: p99('with') / p99('without'), atMost: 1.2 },
    ],
    notes: [
      'The kernel holds what it can before the server has to. The resident memory of a process also goes up and down by ' +
        'itself; objects and buffers do not.',
      ...(isCut ? ['The server gave the slow reader up meanwhile.'] : []),
      ...(incomplete ? ['The run does not count: not everything came.'] : []),
      ...busyNotes([
        ...neverReading.flatMap((round) => [...round.values()].flat().map(({ generatorBusy }) => generatorBusy)),
        ...slowReader.flatMap((round) => [round.without.busy, round.with.busy]),
      ]),
    ],
    rounds: { neverReading: neverReading.map((round) => Object.fromEntries(round)), slowReader },
  };
}

/** What is said where the load generator cannot be compiled. */
export function skippedReport(): Report {
  const notes = ['Skipped: there is no C compiler here, for the load generator.'];
  return { ...NAME, method: '', tables: [], targets: [], notes, rounds: [] };
}

const residentKib = ({ resident }: Step) => resident / KIB;
const heldKib = ({ held }: Step) => held / KIB;

function at(rounds: readonly NeverReadingRound[], name: string, step: number, pick: (step: Step) => number): number {
  return median(rounds.map((round) => pick(round.get(name)![step]!)));
}

function memoryTable(rounds: readonly NeverReadingRound[], name: string): Table {
  const rows = Array.from({ length: STEPS / STEPS_A_ROW }, (_, row) => (row + 1) * STEPS_A_ROW - 1);
  return {
    title: `${name}: KiB for each connection that never reads`,
    columns: ['published, MiB', 'resident', 'objects and buffers', 'besides, in the kernel', 'connections cut'],
    rows: rows.map((step) => [
      String(((step + 1) * STEP_BYTES) / MIB),
      at(rounds, name, step, residentKib),
      at(rounds, name, step, heldKib),
      at(rounds, name, step, ({ kernel }) => Math.round(kernel / KIB)),
      at(rounds, name, step, ({ cut }) => cut),
    ]),
  };
}

function latencyTable(rounds: readonly SlowReaderRound[]): Table {
  const row = (what: string, which: 'without' | 'with') => [
    what,
    ...(['p50', 'p99', 'max'] as const).map((figure) => median(rounds.map((round) => round[which][figure]))),
  ];
  return {
    title: 'Milliseconds to receipt, of those who read all',
    columns: ['', 'p50', 'p99', 'max'],
    rows: [row('all read', 'without'), row('one reads slowly', 'with')],
  };
}
