import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { UpstreamCounters } from './upstream-counters.js';
import { statsTarget } from './upstream-url.js';
import { USUAL_BACKOFF, USUAL_TIMEOUT, UpstreamPoller } from './upstream.poller.js';

/** The services of which the operator may name one each, by the section that shows it. */
export const UPSTREAM_NAMES = ['embeddings', 'compression'] as const;
export type UpstreamName = (typeof UPSTREAM_NAMES)[number];

/** The http or https URLs of upstream services, by the section of `tools.metrics` that shows what they answer. */
export type UpstreamUrls = Readonly<Partial<Record<UpstreamName, string>>>;

export interface UpstreamOptions {
  readonly urls: UpstreamUrls;
  /** Seconds between two requests to one service; 1 where it is less. */
  readonly updateInterval: number;
}

export const UPSTREAM_OPTIONS = Symbol('metricast.upstream-options');

/** The upstream services that are configured, each asked by a poller of its own while the application runs. */
@Injectable()
export class Upstreams implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #pollers = new Map<UpstreamName, UpstreamPoller>();

  constructor(@Inject(UPSTREAM_OPTIONS) { urls, updateInterval }: UpstreamOptions, counters: UpstreamCounters) {
    const pace = { interval: 1000 * Math.max(1, updateInterval), timeout: USUAL_TIMEOUT, backoff: USUAL_BACKOFF };
    for (const name of UPSTREAM_NAMES) {
      const target = statsTarget(urls[name] ?? '');
      if (!target) continue;
      this.#pollers.set(name, new UpstreamPoller(name, target, pace, (answer) => counters.record(name, answer)));
    }
  }

  get(name: UpstreamName): UpstreamPoller | undefined {
    return this.#pollers.get(name);
  }

  onApplicationBootstrap(): void {
    for (const poller of this.#pollers.values()) poller.start();
  }

  onModuleDestroy(): void {
    for (const poller of this.#pollers.values()) poller.stop();
  }
}
