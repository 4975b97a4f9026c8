import type { LoggerService, Provider } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { SchedulerRegistry } from '@nestjs/schedule';
import { Test, type TestingModule } from '@nestjs/testing';
import { BROKER, MemoryBroker } from '../../../src/broker/index.js';
import { Hub } from '../../../src/hub/index.js';
import {
  type CollectContext,
  type CollectedState,
  CollectMetrics,
  type CollectMetricsOptions,
  Collectors,
  METRICS_SERVICE_OPTIONS,
  MetricsService,
  StateCache,
  StateRecorder,
} from '../../../src/metrics/index.js';
import type { State, Tags } from '../../../src/protocol/index.js';
import { Scheduler } from '../../../src/scheduler/index.js';
import { Tenants } from '../../../src/tenants/index.js';
import { tenantsWith } from '../../support/settings.js';

type Answer = (context: CollectContext) => CollectedState | null | Promise<CollectedState | null>;

/** A collecting provider whose calls a test counts, waits for, and answers. */
export class Source {
  readonly calls: CollectContext[] = [];
  answer: Answer = () => ({ tick: this.calls.length });
  readonly provider: Provider;
  readonly #waiting: { readonly count: number; readonly resolve: () => void }[] = [];

  constructor(channel: string, options?: CollectMetricsOptions) {
    const collect = (context: CollectContext) => this.#collect(context);
    class CollectingProvider {
      @CollectMetrics(channel, options)
      collect(context: CollectContext) {
        return collect(context);
      }
    }
    this.provider = { provide: channel, useClass: CollectingProvider };
  }

  /** Resolves once it was called this often from now on. */
  called(times: number): Promise<void> {
    const count = this.calls.length + times;
    return new Promise((resolve) => this.#waiting.push({ count, resolve }));
  }

  #collect(context: CollectContext): ReturnType<Answer> {
    this.calls.push(context);
    for (const { count, resolve } of this.#waiting) if (this.calls.length >= count) resolve();
    return this.answer(context);
  }
}

/** The metrics service with all that it works with, none of it a stand-in. */
export class CollectingApp {
  /** What was logged, as `level text`. */
  readonly log: string[] = [];
  /** The states that were given to be kept as history. */
  readonly kept: State[] = [];
  /** Channels of which nothing is to be known any more by what keeps history. */
  readonly forgotten: string[] = [];
  #module!: TestingModule;

  static async start(
    sources: Source[],
    { updateInterval = 0.1, tags = {} }: { updateInterval?: number; tags?: Tags } = {},
  ): Promise<CollectingApp> {
    const app = new CollectingApp();
    app.#module = await Test.createTestingModule({
      imports: [DiscoveryModule],
      providers: [
        { provide: BROKER, useClass: MemoryBroker },
        { provide: Hub, useFactory: () => new Hub() },
        { provide: METRICS_SERVICE_OPTIONS, useValue: { tags } },
        { provide: Tenants, useValue: tenantsWith({ updateInterval }) },
        SchedulerRegistry,
        Scheduler,
        StateCache,
        {
          provide: StateRecorder,
          useValue: {
            keep: (_tick: unknown, state: State) => app.kept.push(state),
            forget: ({ channel }: { channel: string }) => app.forgotten.push(channel),
          },
        },
        Collectors,
        MetricsService,
        ...sources.map(({ provider }) => provider),
      ],
    })
      .setLogger(app.#logger())
      .compile();
    await app.#module.init();
    app.broker.onPublication((publication) => {
      if (app.tenants.isPushed(publication.tenant, publication.channel)) app.hub.deliver(publication);
    });
    return app;
  }

  get hub(): Hub {
    return this.#module.get(Hub);
  }

  get broker(): MemoryBroker {
    return this.#module.get(BROKER);
  }

  get metrics(): MetricsService {
    return this.#module.get(MetricsService);
  }

  /** The names of the timers that run. */
  get timers(): string[] {
    return this.#module.get(SchedulerRegistry).getIntervals();
  }

  get tenants(): Tenants {
    return this.#module.get(Tenants);
  }

  get states(): StateCache {
    return this.#module.get(StateCache);
  }

  /** What the service logged about collecting. */
  logged(channel: string): string[] {
    return this.log.filter((line) => line.includes(channel)).map((line) => line.split('\n', 1)[0]!);
  }

  close(): Promise<void> {
    return this.#module.close();
  }

  #logger(): LoggerService {
    const at = (level: string) => (message: unknown) => this.log.push(`${level} ${String(message)}`);
    return { log: at('log'), warn: at('warn'), error: at('error'), fatal: at('fatal') };
  }
}
