import { EventReader } from './event-reader.js';
import { HistoryPages } from './history-pages.js';
import { HistoryReader } from './history-reader.js';
import { MetricsHistory } from './metrics-history.js';
import { PointReader } from './point-reader.js';
import { ResolutionFinder } from './resolution-finder.js';
import { WindowReader } from './window-reader.js';

export * from './audit-log.js';
export * from './claim-ids.js';
export * from './column-types.js';
export * from './statement.js';
export * from './transactor-for.js';
export * from './transactor.js';
export * from './write-queue.js';
export * from './channel-directory.js';
export * from './data-source-name.js';
export { seriesKey } from './series-identity.js';
export * from './series-store.js';
export * from './event-store.js';
export * from './latest-reader.js';
export * from './derived-series.js';
export * from './channel-series.js';
export * from './rollup-reader.js';
export * from './sql-reader.js';
export * from './levels.js';
export { EVENT_LOG, LOG_TABLES, type LogTable } from './log-retention.js';
export * from './retention.js';
export * from './kept.js';
export * from './history-reader.js';
export * from './history-pages.js';
export * from './metrics-history.js';

/** All that reads history, beside what reads series and rollups. */
export const historyProviders = [
  PointReader,
  WindowReader,
  EventReader,
  ResolutionFinder,
  HistoryReader,
  HistoryPages,
  MetricsHistory,
];
