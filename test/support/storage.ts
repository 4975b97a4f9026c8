import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { MemoryBroker } from '../../src/broker/index.js';
import { AnomalyDetector } from '../../src/feeds/skills/anomaly-detector.js';
import { DEFAULT_THRESHOLDS } from '../../src/feeds/skills/deviation.js';
import { SkillAnomaly } from '../../src/feeds/skills/skill-anomaly.entity.js';
import { SkillInvocation } from '../../src/feeds/skills/skill-invocation.entity.js';
import { SkillMinute } from '../../src/feeds/skills/skill-minute.entity.js';
import { SkillWindows } from '../../src/feeds/skills/skill-windows.js';
import { Skill } from '../../src/feeds/skills/skill.entity.js';
import { SkillsFeed } from '../../src/feeds/skills/skills.feed.js';
import { SkillsRecorder } from '../../src/feeds/skills/skills.recorder.js';
import { Scheduler } from '../../src/metrics/index.js';
import { openDataSource } from '../../src/persistence/data-source.js';
import { type TenantId, parseTenantId } from '../../src/protocol/index.js';
import { MetricsRecorder, Recorder } from '../../src/recording/index.js';
import {
  type Row,
  ChannelDirectory,
  SeriesStore,
  type SqlValue,
  type Write,
  WriteQueue,
  transactorFor,
} from '../../src/store/index.js';
import { MetricSeries } from '../../src/store/metric-series.entity.js';
import { WatchedTransactor } from './watched-transactor.js';

export type Storage = Awaited<ReturnType<typeof openStorage>>;

/** Everything that stores, over a real database, put together as the module does; without the timers. */
export async function openStorage(url: string) {
  // Many tests let writes fail, which is an error to a log.
  Logger.overrideLogger(['fatal']);
  const dataSource = await openDataSource(url);
  const [skills, anomalies] = [dataSource.getRepository(Skill), dataSource.getRepository(SkillAnomaly)];
  const transactor = new WatchedTransactor(transactorFor(dataSource));
  const queue = new WriteQueue(transactor);
  const broker = new MemoryBroker();
  const recorder = new Recorder(queue, broker);
  const directory = new ChannelDirectory(dataSource.getRepository(MetricSeries));
  const series = new SeriesStore();
  const windows = new SkillWindows(dataSource.getRepository(SkillMinute), dataSource.getRepository(SkillInvocation));
  const scheduler = new Scheduler(new SchedulerRegistry());
  const detector = new AnomalyDetector(skills, anomalies, windows, queue, scheduler, DEFAULT_THRESHOLDS);
  return {
    dataSource,
    transactor,
    queue,
    broker,
    series,
    directory,
    windows,
    detector,
    metrics: new MetricsRecorder(recorder, series, directory),
    skills: new SkillsRecorder(recorder, detector),
    feed: new SkillsFeed(skills, anomalies, detector),

    /** Rows, with parameters `$1`, `$2`, … in both databases. */
    rows: async (sql: string, values: readonly SqlValue[] = []): Promise<Row[]> => {
      const text = dataSource.options.type === 'postgres' ? sql : sql.replaceAll(/\$\d+/g, '?');
      return dataSource.query(text, [...values]);
    },

    /** Writes through the queue. */
    write: <T>(write: () => Write<T>, rows = 1): Promise<T> => queue.write(rows, write),

    async close(): Promise<void> {
      await queue.drain();
      await dataSource.destroy();
    },
  };
}

/** A tenant that no other test knows. */
export function newTenant(): TenantId {
  return parseTenantId(`tenant-${randomUUID()}`)!;
}
