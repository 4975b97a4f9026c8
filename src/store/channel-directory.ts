import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, Repository } from 'typeorm';
import type { ChannelName, TenantId } from '../protocol/index.js';
import { DATA_SOURCE } from './data-source-name.js';
import { MetricSeries } from './metric-series.entity.js';

/** Knows the channels that came into being by being recorded in. */
@Injectable()
export class ChannelDirectory {
  readonly #known = new Map<TenantId, Set<ChannelName>>();

  constructor(@InjectRepository(MetricSeries, DATA_SOURCE) private readonly series: Repository<MetricSeries>) {}

  /** Notes that these channels exist. */
  add(tenant: TenantId, channels: Iterable<ChannelName>): void {
    let known = this.#known.get(tenant);
    if (!known) this.#known.set(tenant, (known = new Set<ChannelName>()));
    for (const channel of channels) known.add(channel);
  }

  /** Those of the channels that exist, found in one query whatever their number. */
  async existing(tenant: TenantId, channels: readonly ChannelName[]): Promise<ReadonlySet<ChannelName>> {
    const known = this.#known.get(tenant);
    const unknown = channels.filter((channel) => !known?.has(channel));
    if (unknown.length > 0) {
      const found = await this.series
        .createQueryBuilder('series')
        .select('DISTINCT series.channel', 'channel')
        .where({ tenantId: tenant, channel: In(unknown) })
        .getRawMany<{ channel: ChannelName }>();
      this.add(
        tenant,
        found.map(({ channel }) => channel),
      );
    }
    return new Set(channels.filter((channel) => this.#known.get(tenant)?.has(channel)));
  }
}
