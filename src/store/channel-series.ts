import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import {
  type ChannelName,
  NO_FILTER,
  type SampleType,
  type TagFilter,
  type Tags,
  type TenantId,
} from '../protocol/index.js';
import { DATA_SOURCE } from './data-source-name.js';
import { MetricSeries } from './metric-series.entity.js';
import { parseStoredTags, tagsMatch } from './stored-tags.js';

/** A series, by its number. */
export interface StoredSeries {
  readonly id: number;
  readonly name: string;
  readonly type: SampleType;
  readonly tags: Tags;
}

/** Finds the series of channels. */
@Injectable()
export class ChannelSeries {
  constructor(@InjectRepository(MetricSeries, DATA_SOURCE) private readonly series: Repository<MetricSeries>) {}

  /** Those whose tags match, of all names or of one, by their numbers. */
  async of(
    tenant: TenantId,
    channel: ChannelName,
    filter: TagFilter = NO_FILTER,
    name?: string,
  ): Promise<readonly StoredSeries[]> {
    const matching = tagsMatch('series.tags', filter);
    const rows = await this.series
      .createQueryBuilder('series')
      .select(['series.series_id AS id', 'series.name AS name', 'series.type AS type', 'series.tags AS tags'])
      .where({ tenantId: tenant, channel, ...(name !== undefined && { name }) })
      .andWhere(matching.sql, matching.parameters)
      .getRawMany<{ id: unknown; name: string; type: SampleType; tags: string }>();
    const found = rows.map((row) => ({ ...row, id: Number(row.id), tags: parseStoredTags(row.tags) }));
    // Not by the database: PostgreSQL would rather go through all series in that order than sort some.
    return found.sort((one, other) => one.id - other.id);
  }
}
