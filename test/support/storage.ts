import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { MemoryBroker } from '../../src/broker/index.js';
import { AlertsRecorder } from '../../src/feeds/alerts/index.js';
import { DistributedFeed } from '../../src/feeds/distributed/distributed.feed.js';
import { InstanceRegistry } from '../../src/feeds/distributed/instance-registry.js';
import { Instance } from '../../src/feeds/distributed/instance.entity.js';
import { TaskReader } from '../../src/feeds/distributed/task-reader.js';
import { EventsRecorder } from '../../src/feeds/events/events.recorder.js';
import { EventsService } from '../../src/feeds/events/index.js';
import { ExecutionRuntime } from '../../src/feeds/executions/execution-runtime.entity.js';
import { ExecutionTotal } from '../../src/feeds/executions/execution-total.entity.js';
import { Execution } from '../../src/feeds/executions/execution.entity.js';
import { ExecutionsFeed } from '../../src/feeds/executions/executions.feed.js';
import { ExecutionTotals, ExecutionsRecorder } from '../../src/feeds/executions/index.js';
import { FEEDS } from '../../src/feeds/index.js';
import { DecisionBucket } from '../../src/feeds/routing/decision-bucket.entity.js';
import { DecisionNames } from '../../src/feeds/routing/decision-names.js';
import { DecisionsRecorder } from '../../src/feeds/routing/index.js';
import { RoutingFeed } from '../../src/feeds/routing/routing.feed.js';
import { AnomalyDetector } from '../../src/feeds/skills/anomaly-detector.js';
import { DEFAULT_THRESHOLDS } from '../../src/feeds/skills/deviation.js';
import { SkillAnomaly } from '../../src/feeds/skills/skill-anomaly.entity.js';
import { SkillInvocation } from '../../src/feeds/skills/skill-invocation.entity.js';
import { SkillMinute } from '../../src/feeds/skills/skill-minute.entity.js';
import { SkillWindows } from '../../src/feeds/skills/skill-windows.js';
import { Skill } from '../../src/feeds/skills/skill.entity.js';
import { SkillsFeed } from '../../src/feeds/skills/skills.feed.js';
import { SkillsQueries } from '../../src/feeds/skills/skills.queries.js';
import { SkillsRecorder } from '../../src/feeds/skills/skills.recorder.js';
import { UsageRecorder } from '../../src/feeds/tools/index.js';
import { toolsSections } from '../../src/feeds/tools/sections.js';
import { ToolTotal } from '../../src/feeds/tools/tool-total.entity.js';
import { ToolsFeed } from '../../src/feeds/tools/tools.feed.js';
import { UpstreamCounters } from '../../src/feeds/tools/upstream-counters.js';
import { UsageTotals } from '../../src/feeds/tools/usage-totals.js';
import { StateCache } from '../../src/metrics/index.js';
import { Scheduler } from '../../src/scheduler/index.js';
import { openDataSource } from '../../src/persistence/data-source.js';
import { type TenantId, parseTenantId } from '../../src/protocol/index.js';
import { MetricsRecorder, Recorder } from '../../src/recording/index.js';
import {
  type Row,
  ChannelDirectory,
  ChannelSeries,
  DerivedSeries,
  EVENT_LOG,
  EventStore,
  HistoryPages,
  HistoryReader,
  LatestReader,
  MetricsHistory,
  Retention,
  RollupReader,
  SeriesStore,
  SqlReader,
  type SqlValue,
  type Write,
  WriteQueue,
  transactorFor,
} from '../../src/store/index.js';
import { DEFAULT_LIMITS, Tenants } from '../../src/tenants/index.js';
import { KnownEventType } from '../../src/store/event-type.entity.js';
import { EventReader } from '../../src/store/event-reader.js';
import { StoredEvent } from '../../src/store/event.entity.js';
import { MetricPoint } from '../../src/store/metric-point.entity.js';
import { MetricSeries } from '../../src/store/metric-series.entity.js';
import { PointReader } from '../../src/store/point-reader.js';
import { ResolutionFinder } from '../../src/store/resolution-finder.js';
import { WindowReader } from '../../src/store/window-reader.js';
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
  const states = new StateCache();
  // Tests count what is committed, and let it fail: tenants are not to be noticed in between.
  const recorder = new Recorder(queue, broker, states, { notice: () => undefined });
  const eventTypes = dataSource.getRepository(KnownEventType);
  const newDirectory = () => new ChannelDirectory(dataSource.getRepository(MetricSeries), eventTypes, {});
  const directory = newDirectory();
  const events = new EventStore(eventTypes, {});
  const alerts = new AlertsRecorder(recorder, events);
  const executions = new ExecutionsRecorder(recorder, events);
  const executionTotals = new ExecutionTotals(dataSource.getRepository(ExecutionTotal));
  const usageTotals = new UsageTotals(dataSource.getRepository(ToolTotal));
  const series = new SeriesStore();
  const tenants = new Tenants({ updateInterval: 1, limits: DEFAULT_LIMITS });
  const windows = new SkillWindows(dataSource.getRepository(SkillMinute), dataSource.getRepository(SkillInvocation));
  const scheduler = new Scheduler(new SchedulerRegistry());
  const sqlReader = new SqlReader(dataSource);
  const channelSeries = new ChannelSeries(dataSource.getRepository(MetricSeries));
  const rollups = new RollupReader(sqlReader);
  const points = new PointReader(sqlReader);
  const history = new HistoryReader(
    channelSeries,
    points,
    new WindowReader(rollups),
    new EventReader(dataSource.getRepository(StoredEvent)),
    new ResolutionFinder(rollups),
    { of: (tenant) => tenants.stored(tenant)?.retentionDays ?? null, all: () => tenants.retentionDays() },
  );
  const instances = new InstanceRegistry(dataSource.getRepository(Instance), queue, scheduler);
  const newRetention = () =>
    new Retention(
      new SqlReader(dataSource),
      queue,
      scheduler,
      { of: (tenant) => tenants.stored(tenant)?.retentionDays ?? null, all: () => tenants.retentionDays() },
      [EVENT_LOG, ...FEEDS.flatMap(({ logs = [] }) => logs)],
      series,
      directory,
    );
  const newDetector = () => new AnomalyDetector(skills, anomalies, windows, queue, scheduler, DEFAULT_THRESHOLDS);
  const detector = newDetector();
  return {
    dataSource,
    transactor,
    queue,
    broker,
    states,
    recorder,
    series,
    tenants,
    directory,
    /** One that has seen nothing yet, as after a restart. */
    newDirectory,
    events,
    retention: newRetention(),
    /** One that has deleted nothing yet. */
    newRetention,
    windows,
    detector,
    /** One that has been told of no runs yet. */
    newDetector,
    metrics: new MetricsRecorder(recorder, series, directory, tenants),
    decisions: new DecisionsRecorder(recorder, new DecisionNames()),
    routing: new RoutingFeed(dataSource.getRepository(DecisionBucket)),
    usage: new UsageRecorder(recorder, new DerivedSeries(series), tenants),
    tools: new ToolsFeed(toolsSections(usageTotals, executionTotals, new Map())),
    upstreamCounters: new UpstreamCounters(queue),
    alerts,
    executions,
    executionTotals,
    executionsFeed: new ExecutionsFeed(
      dataSource.getRepository(Execution),
      dataSource.getRepository(ExecutionRuntime),
      executionTotals,
    ),
    hostEvents: new EventsService(executions, alerts, new EventsRecorder(recorder, events, directory)),
    instances,
    distributed: new DistributedFeed(instances, new TaskReader(dataSource.getRepository(MetricSeries))),
    skills: new SkillsRecorder(recorder, detector),
    feed: new SkillsFeed(skills, anomalies, detector),
    skillsQueries: new SkillsQueries(skills, anomalies),
    latest: new LatestReader(
      dataSource.getRepository(MetricSeries),
      dataSource.getRepository(MetricPoint),
      dataSource.getRepository(StoredEvent),
      eventTypes,
    ),

    channelSeries,
    rollups,
    history,
    metricsHistory: new MetricsHistory(new HistoryPages(history), history),

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
