import type { Report, Table } from '../harness/report.js';
import { median } from '../harness/statistics.js';
import { busyNotes } from '../harness/window.js';
import type { DashboardsRound } from './dashboards.bench.js';
import { HISTORY } from './records.js';

export interface Setting {
  readonly tenants: number;
  readonly pages: number;
  readonly panels: number;
  readonly seconds: number;
  /** What went wrong first. */
  readonly fault: string | undefined;
}

export function dashboardsReport(rounds: readonly DashboardsRound[], setting: Setting): Report {
  const { tenants, pages, panels, seconds, fault } = setting;
  const of = (isRecording: boolean, pick: (round: DashboardsRound) => number) =>
    median(rounds.filter((round) => round.isRecording === isRecording).map(pick));
  const cpu = (round: DashboardsRound) => (100 * round.cpu) / round.seconds;
  const history = Object.entries(HISTORY).map(([kind, count]) => `${count.toLocaleString('en-US')} ${kind}`);
  const row = (what: string, pick: (round: DashboardsRound) => number) => [what, of(false, pick), of(true, pick)];
  return {
    name: 'dashboards',
    title: 'Dashboards of many tenants',
    method:
      `${tenants} tenants with ${pages / tenants} pages each, each page with ${panels} channels, at the default interval of a ` +
      'second. 8 pages are in the dialect channels with JSON, 4 in MessagePack, each with other channels, built-in and ' +
      'recorded; 4 have a filter of their own on 7 of their channels, every other one in MessagePack; 4 are five ' +
      'connections: skills, tools (every other one narrowed to one), routing, workspace, and channels. Each tenant has a ' +
      `token, and has recorded ${history.join(', ')} before. Once it is quiet, and once each tenant records three ` +
      `points and one other item a second, by two requests. ${seconds} s each, in turn, medians. The delay of the event ` +
      'loop is what `perf_hooks` finds every 10 ms, without these 10 ms.',
    tables: [
      {
        title: 'The server',
        columns: ['', 'quiet', 'recording'],
        rows: [
          row('CPU, % of a core', cpu),
          row('waited for its core, % of the time', (round) => (100 * round.waited) / round.seconds),
          row('event loop delay p50, ms', ({ delay }) => delay.p50),
          row('event loop delay p99, ms', ({ delay }) => delay.p99),
          row('event loop delay max, ms', ({ delay }) => delay.max),
          row('frames/s', (round) => Math.round(framesPerSecond(round))),
          row('generator busy', ({ generatorBusy }) => generatorBusy),
        ],
      },
      received(rounds),
    ],
    targets: [
      { what: 'event loop delay p99, ms', measured: of(false, ({ delay }) => delay.p99), atMost: 20 },
      { what: 'event loop delay p99, ms, while recording', measured: of(true, ({ delay }) => delay.p99), atMost: 20 },
      { what: 'CPU, % of a core', measured: of(false, cpu), atMost: 25 },
    ],
    notes: [
      'While something else has its core, the event loop is late whatever the server does.',
      ...(fault === undefined ? [] : [`The run does not count: ${fault}`]),
      ...busyNotes(rounds.map(({ generatorBusy }) => generatorBusy)),
    ],
    rounds: rounds.map((round) => ({ ...round, received: Object.fromEntries(round.received) })),
  };
}

/** Of the rounds in which something was recorded. */
function received(rounds: readonly DashboardsRound[]): Table {
  const recording = rounds.filter(({ isRecording }) => isRecording);
  const kinds = [...(recording[0]?.received.keys() ?? [])].sort();
  return {
    title: 'What came a second, while recording',
    columns: ['', 'connections', 'frames', 'KB'],
    rows: kinds.map((kind) => {
      const perSecond = (field: 'frames' | 'bytes') =>
        median(recording.map((round) => round.received.get(kind)![field] / round.seconds));
      return [
        kind,
        recording[0]!.received.get(kind)!.connections,
        Math.round(perSecond('frames')),
        Math.round(perSecond('bytes') / 1000),
      ];
    }),
  };
}

function framesPerSecond({ received: kinds, seconds }: DashboardsRound): number {
  return [...kinds.values()].reduce((sum, { frames }) => sum + frames, 0) / seconds;
}
