import Database from 'better-sqlite3';
import { median, percentile } from '../harness/statistics.js';
import { TIMED_NAME } from './load.js';
import type { Delivery } from './subscriber.js';

/** Begin, commit statement and end of a transaction, on the steady clock; the newest point that there was then. */
export type Commit = readonly [begunAt: number, commitAt: number, endedAt: number, newestPoint: number];

export interface Pacing {
  readonly perSecond: number;
  readonly points: number;
  /** From begin to end, in which the event loop does nothing else. */
  readonly transactionP50: number;
  readonly transactionP99: number;
  readonly transactionMax: number;
  /** Of it, the commit statement, which now and then moves the write-ahead log into the database. */
  readonly statementP50: number;
  readonly statementP99: number;
}

export function pacingOf(commits: readonly Commit[], from: number, to: number): Pacing {
  const inWindow = commits.filter(([, , endedAt]) => endedAt >= from && endedAt < to);
  const points = inWindow.slice(1).map(([, , , newest], index) => newest - inWindow[index]![3]);
  const transactions = inWindow.map(([begunAt, , endedAt]) => endedAt - begunAt);
  const statements = inWindow.map(([, commitAt, endedAt]) => endedAt - commitAt);
  return {
    perSecond: (inWindow.length / (to - from)) * 1000,
    points: median(points),
    transactionP50: percentile(transactions, 0.5),
    transactionP99: percentile(transactions, 0.99),
    transactionMax: percentile(transactions, 1),
    statementP50: percentile(statements, 0.5),
    statementP99: percentile(statements, 0.99),
  };
}

/** How long after its commit each delivery was received, in milliseconds. */
export function sinceCommit(path: string, commits: readonly Commit[], deliveries: readonly Delivery[]): number[] {
  const pointOf = timedPoints(path);
  return deliveries.flatMap(({ sentAt, receivedAt }) => {
    const point = pointOf.get(sentAt);
    const commit = point === undefined ? undefined : commitOf(commits, point);
    return commit ? [receivedAt - commit[2]] : [];
  });
}

/** The ids of the timed points, by the time that is their value. */
function timedPoints(path: string): Map<number, number> {
  const database = new Database(path, { readonly: true });
  try {
    const rows = database
      .prepare(
        `SELECT point.value, point.point_id FROM metricast_metric_point point
         JOIN metricast_metric_series series USING (series_id) WHERE series.name = ?`,
      )
      .raw()
      .all(TIMED_NAME) as [number, number][];
    return new Map(rows);
  } finally {
    database.close();
  }
}

/** The first commit after which the point was there. */
function commitOf(commits: readonly Commit[], point: number): Commit | undefined {
  let low = 0;
  let high = commits.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (commits[middle]![3] >= point) high = middle;
    else low = middle + 1;
  }
  return commits[low];
}
