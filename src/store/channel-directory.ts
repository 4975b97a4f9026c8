import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import type { ChannelName, TenantId } from '../protocol/index.js';
import { DATA_SOURCE } from './data-source-name.js';
import { MetricSeries } from './metric-series.entity.js';

/** Knows the channels that came into being by being recorded in. */
@Injectable()
export class ChannelDirectory {
  readonly #known = new Map<TenantId, Set<ChannelName>>();

  constructor(@InjectRepository(MetricSeries, DATA_SOURCE) private readonly series: Repository<MetricSeries>) {}

  /** Notes that these channels exist. To be called while they are written: that they are known early does no harm. */
  add(tenant: TenantId, channels: Iterable<ChannelName>): void {
    let known = this.#known.get(tenant);
    if (!known) this.#known.set(tenant, (known = new Set<ChannelName>()));
    for (const channel of channels) known.add(channel);
  }

  async has(tenant: TenantId, channel: ChannelName): Promise<boolean> {
    if (this.#known.get(tenant)?.has(channel)) return true;
    const exists = await this.series.existsBy({ tenantId: tenant, channel });
    if (exists) this.add(tenant, [channel]);
    return exists;
  }
}
