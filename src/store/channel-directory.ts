import { Inject, Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, Repository } from 'typeorm';
import type { ChannelName, TenantId } from '../protocol/index.js';
import { DATA_SOURCE } from './data-source-name.js';
import { DECLARED_EVENT_TYPES, type DeclaredEventTypes } from './event-store.js';
import { KnownEventType } from './event-type.entity.js';
import { MetricSeries } from './metric-series.entity.js';

/** Knows the channels that came into being by being recorded in, or that the host has declared. */
@Injectable()
export class ChannelDirectory {
  readonly #known = new Map<TenantId, Set<ChannelName>>();

  constructor(
    @InjectRepository(MetricSeries, DATA_SOURCE) private readonly series: Repository<MetricSeries>,
    @InjectRepository(KnownEventType, DATA_SOURCE) private readonly eventTypes: Repository<KnownEventType>,
    @Inject(DECLARED_EVENT_TYPES) private readonly declared: DeclaredEventTypes,
  ) {}

  /** Notes that these channels exist. */
  add(tenant: TenantId, channels: Iterable<ChannelName>): void {
    let known = this.#known.get(tenant);
    if (!known) this.#known.set(tenant, (known = new Set(Object.keys(this.declared) as ChannelName[])));
    for (const channel of channels) known.add(channel);
  }

  /** Has the database asked again which channels exist: some may have lost all that was recorded in them. */
  forget(tenant: TenantId): void {
    this.#known.delete(tenant);
  }

  /** Those of the channels that exist, found in one query a kind, whatever their number. */
  async existing(tenant: TenantId, channels: readonly ChannelName[]): Promise<ReadonlySet<ChannelName>> {
    this.add(tenant, []);
    const known = this.#known.get(tenant)!;
    const unknown = channels.filter((channel) => !known.has(channel));
    const found = new Set(await this.#recorded(tenant, unknown));
    this.add(tenant, found);
    return new Set(channels.filter((channel) => known.has(channel) || found.has(channel)));
  }

  /** All channels that exist for a tenant, in no order; found in the database, so those of other instances too. */
  async list(tenant: TenantId): Promise<readonly ChannelName[]> {
    const found = await Promise.all([this.#distinct(this.eventTypes, tenant), this.#distinct(this.series, tenant)]);
    this.add(
      tenant,
      found.flat().map(({ channel }) => channel),
    );
    return [...this.#known.get(tenant)!];
  }

  async #recorded(tenant: TenantId, channels: readonly ChannelName[]): Promise<ChannelName[]> {
    const events = channels.filter((channel) => channel.endsWith('.events'));
    const metrics = channels.filter((channel) => !channel.endsWith('.events'));
    const found = await Promise.all([
      events.length > 0 ? this.#distinct(this.eventTypes, tenant, events) : [],
      metrics.length > 0 ? this.#distinct(this.series, tenant, metrics) : [],
    ]);
    return found.flat().map(({ channel }) => channel);
  }

  #distinct(
    rows: Repository<MetricSeries> | Repository<KnownEventType>,
    tenant: TenantId,
    channels?: readonly ChannelName[],
  ): Promise<{ channel: ChannelName }[]> {
    return rows
      .createQueryBuilder('known')
      .select('DISTINCT known.channel', 'channel')
      .where({ tenantId: tenant, ...(channels && { channel: In([...channels]) }) })
      .getRawMany<{ channel: ChannelName }>();
  }
}
