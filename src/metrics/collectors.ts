import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { type ChannelName, parseChannelName } from '../protocol/index.js';
import {
  COLLECT_METRICS,
  type CollectContext,
  type CollectedState,
  type CollectMetricsMetadata,
  type CollectMetricsOptions,
} from './collect-metrics.decorator.js';

/** A method that {@link CollectMetrics} marked, bound to its provider. */
export interface Collector extends CollectMetricsOptions {
  readonly channel: ChannelName;
  readonly collect: (context: CollectContext) => CollectedState | null | Promise<CollectedState | null>;
}

/** The collecting methods of all providers, the built-in feeds' and the host's alike, by their channels. */
@Injectable()
export class Collectors implements OnModuleInit {
  readonly #byChannel = new Map<ChannelName, Collector>();

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
  ) {}

  onModuleInit(): void {
    // A provider may have several names.
    const seen = new Set<unknown>();
    for (const wrapper of this.discovery.getProviders()) {
      const instance: unknown = wrapper.instance;
      const prototype = prototypeOf(instance, wrapper.metatype);
      if (!prototype || (instance && seen.has(instance))) continue;
      seen.add(instance);
      const isSingleton = wrapper.isDependencyTreeStatic() && !wrapper.isTransient;
      for (const name of this.scanner.getAllMethodNames(prototype)) {
        const method = (prototype as Record<string, unknown>)[name];
        const metadata = this.#metadataOf(method);
        if (!metadata) continue;
        const where = `@CollectMetrics on ${prototype.constructor.name}.${name}`;
        if (!isSingleton) throw new Error(`${where}: the provider must be a singleton`);
        this.#add(where, metadata, (method as Collector['collect']).bind(instance));
      }
    }
  }

  get(channel: ChannelName): Collector | undefined {
    return this.#byChannel.get(channel);
  }

  has(channel: ChannelName): boolean {
    return this.#byChannel.has(channel);
  }

  /** Every channel that is collected. */
  get channels(): Iterable<ChannelName> {
    return this.#byChannel.keys();
  }

  #metadataOf(method: unknown): CollectMetricsMetadata | undefined {
    if (typeof method !== 'function') return undefined;
    return Reflect.getMetadata(COLLECT_METRICS, method) as CollectMetricsMetadata | undefined;
  }

  #add(where: string, { channel: name, ...options }: CollectMetricsMetadata, collect: Collector['collect']): void {
    const channel = parseChannelName(name);
    if (!channel?.endsWith('.metrics')) throw new Error(`${where}: the channel must be NAME.metrics of a-z 0-9 _ . -`);
    if (options.every !== undefined && !(options.every >= 0.1 && options.every <= 3600)) {
      throw new Error(`${where}: every must be 0.1 to 3600 seconds`);
    }
    if (this.#byChannel.has(channel)) throw new Error(`${where}: the channel has a collecting method already`);
    this.#byChannel.set(channel, { ...options, channel, collect });
  }
}

/** Where a provider's methods stand: a factory says nothing of what it makes, and of each request there is none yet. */
function prototypeOf(instance: unknown, metatype: unknown): object | undefined {
  if (typeof instance === 'object' && instance !== null) {
    return (Object.getPrototypeOf(instance) as object | null) ?? undefined;
  }
  return typeof metatype === 'function' ? (metatype.prototype as object | undefined) : undefined;
}
