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
    for (const { instance, metatype, isDependencyTreeStatic } of this.discovery.getProviders().map((wrapper) => ({
      instance: wrapper.instance as unknown,
      metatype: wrapper.metatype,
      isDependencyTreeStatic: wrapper.isDependencyTreeStatic(),
    }))) {
      const prototype: unknown = metatype?.prototype;
      if (typeof prototype !== 'object' || prototype === null) continue;
      for (const name of this.scanner.getAllMethodNames(prototype)) {
        const method = (prototype as Record<string, unknown>)[name];
        const metadata = this.#metadataOf(method);
        if (!metadata) continue;
        const where = `@CollectMetrics on ${metatype!.name}.${name}`;
        if (!isDependencyTreeStatic) throw new Error(`${where}: the provider must not be request-scoped`);
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
