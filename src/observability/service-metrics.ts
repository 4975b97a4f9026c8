import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { Hub } from '../hub/index.js';
import { MetricsService } from '../metrics/index.js';
import { Retention, WriteQueue } from '../store/index.js';
import { Reception } from '../transports/connections/index.js';
import { FAMILIES, type Family, type Reading } from './families.js';
import { PulseMeter } from './pulse-meter.js';
import { RecentCensus } from './recent-census.js';

const PREFIX = 'metricast_';
/** Seconds. */
const DURATIONS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const ROWS = [1, 10, 50, 100, 250, 500, 1000, 2500, 10_000];

/**
 * The service's own figures as Prometheus reads them. What happens often is counted where it happens, in plain numbers,
 * and read when somebody asks; only transactions, ticks and seconds are few enough to be told of one by one.
 */
@Injectable()
export class ServiceMetrics implements OnModuleInit {
  readonly #registry = new Registry();
  #reading: Reading;

  constructor(
    private readonly hub: Hub,
    private readonly census: RecentCensus,
    private readonly queue: WriteQueue,
    private readonly retention: Retention,
    private readonly ticks: MetricsService,
    private readonly pulses: PulseMeter,
    private readonly reception: Reception,
  ) {
    this.#reading = this.#read();
    for (const family of FAMILIES) this.#register(family);
  }

  onModuleInit(): void {
    const commitSeconds = this.#histogram('commit_duration_seconds', 'How long transactions took.', DURATIONS);
    const commitRows = this.#histogram('commit_rows', 'Rows that transactions wrote.', ROWS);
    this.queue.onCommit((rows, milliseconds) => {
      commitSeconds.observe(milliseconds / 1000);
      commitRows.observe(rows);
    });
    const tickSeconds = this.#histogram('tick_duration_seconds', 'How long a channel took to collect.', DURATIONS);
    const tickLag = this.#histogram('tick_lag_seconds', 'By how much a tick began too late.', DURATIONS);
    this.ticks.onTick((lag, duration) => {
      tickSeconds.observe(duration / 1000);
      tickLag.observe(lag / 1000);
    });
    const loopLag = this.#histogram('event_loop_lag_seconds', 'The longest delay of each second.', DURATIONS);
    this.pulses.onPulse(({ lag }) => {
      if (lag) loopLag.observe(lag.max / 1000);
    });
  }

  get mediaType(): string {
    return this.#registry.contentType;
  }

  /** Everything, in the text format of Prometheus. */
  text(): Promise<string> {
    this.#reading = this.#read();
    return this.#registry.metrics();
  }

  #read(): Reading {
    const { user, system } = process.cpuUsage();
    const { rss: residentBytes, heapUsed: heapBytes } = process.memoryUsage();
    return {
      census: this.census.get(),
      counts: this.hub.counts,
      refusals: this.reception.refusals,
      queuedRows: this.queue.queuedRows,
      expiredRows: this.retention.deleted,
      process: {
        cpuSeconds: (user + system) / 1e6,
        residentBytes,
        heapBytes,
        startedAt: performance.timeOrigin / 1000,
      },
    };
  }

  #register({ name, type, help, labels = [], values }: Family): void {
    const about = { name: PREFIX + name, help, labelNames: [...labels], registers: [this.#registry] };
    const read = () => values(this.#reading);
    if (type === 'gauge') {
      new Gauge({
        ...about,
        collect() {
          this.reset();
          for (const [of, value] of read()) this.set(of, value);
        },
      });
    } else {
      new Counter({
        ...about,
        collect() {
          // It was counted elsewhere, and never falls: here it is only shown.
          this.reset();
          for (const [of, value] of read()) this.inc(of, value);
        },
      });
    }
  }

  #histogram(name: string, help: string, buckets: number[]): Histogram {
    return new Histogram({ name: PREFIX + name, help, buckets, registers: [this.#registry] });
  }
}
