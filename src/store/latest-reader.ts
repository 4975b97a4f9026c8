import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, Repository } from 'typeorm';
import type { ChannelName, Event, Millis, Sample, TagFilter, TenantId } from '../protocol/index.js';
import { DATA_SOURCE } from './data-source-name.js';
import { KnownEventType } from './event-type.entity.js';
import { StoredEvent } from './event.entity.js';
import type { Kept } from './kept.js';
import { MetricPoint } from './metric-point.entity.js';
import { MetricSeries } from './metric-series.entity.js';
import { parseStoredTags, tagsMatch } from './stored-tags.js';

/** So many events of a channel, the newest, are looked through for one whose tags match. */
const EVENTS_LOOKED_AT = 10_000;

/**
 * Reads what is newest in a channel: the latest by its own timestamp, and of several the one recorded last. A series is
 * a step into the index of its points, however many it has; so a channel takes as many steps as it has series.
 */
@Injectable()
export class LatestReader {
  constructor(
    @InjectRepository(MetricSeries, DATA_SOURCE) private readonly series: Repository<MetricSeries>,
    @InjectRepository(MetricPoint, DATA_SOURCE) private readonly points: Repository<MetricPoint>,
    @InjectRepository(StoredEvent, DATA_SOURCE) private readonly events: Repository<StoredEvent>,
    @InjectRepository(KnownEventType, DATA_SOURCE) private readonly eventTypes: Repository<KnownEventType>,
  ) {}

  /** The newest sample whose tags match; `null` where there is none. */
  async sample(tenant: TenantId, channel: ChannelName, filter: TagFilter): Promise<Sample | null> {
    const matching = tagsMatch('series.tags', filter);
    const newest = await this.series
      .createQueryBuilder('series')
      .select(`COALESCE(${newestPoint('timestamp')}, -1)`, 'newest_at')
      .addSelect(newestPoint('point_id'), 'newest_id')
      .where({ tenantId: tenant, channel })
      .andWhere(matching.sql, matching.parameters)
      .orderBy('newest_at', 'DESC')
      .addOrderBy('newest_id', 'DESC')
      .limit(1)
      .getRawOne<{ newest_id: unknown }>();
    // None, or but series whose points are all gone.
    if (newest?.newest_id == null) return null;
    const point = await this.points.findOneBy({ id: Number(newest.newest_id) });
    const series = point && (await this.series.findOneBy({ id: point.seriesId }));
    if (!series) return null;
    const { timestamp, value } = point;
    const { name, type, tags } = series;
    return { kind: 'sample', name, type, value, timestamp, tags: parseStoredTags(tags) };
  }

  /**
   * The newest sample of each series whose tags match, the oldest of them first.
   *
   * @param limit how many at most: of more, those of the series that were recorded last.
   */
  async samples(
    tenant: TenantId,
    channel: ChannelName,
    filter: TagFilter,
    limit: number,
  ): Promise<readonly Kept<Sample>[]> {
    const matching = tagsMatch('series.tags', filter);
    const newest = await this.series
      .createQueryBuilder('series')
      .select(newestPoint('point_id'), 'newest_id')
      .addSelect(`COALESCE(${newestPoint('timestamp')}, -1)`, 'newest_at')
      .addSelect('series.name', 'name')
      .addSelect('series.type', 'type')
      .addSelect('series.tags', 'tags')
      .where({ tenantId: tenant, channel })
      .andWhere(matching.sql, matching.parameters)
      .orderBy('newest_at', 'DESC')
      .addOrderBy('newest_id', 'DESC')
      .limit(limit)
      .getRawMany<Pick<MetricSeries, 'name' | 'type' | 'tags'> & { newest_id: unknown }>();
    const ids = newest.flatMap(({ newest_id: id }) => (id == null ? [] : [Number(id)]));
    const points = await this.points.findBy({ id: In(ids) });
    const byId = new Map(points.map((point) => [Number(point.id), point]));
    return newest.toReversed().flatMap(({ newest_id: id, name, type, tags }) => {
      const point = byId.get(Number(id));
      if (!point) return [];
      const { timestamp, value, seriesId, increase } = point;
      const sample = { kind: 'sample', name, type, value, timestamp, tags: parseStoredTags(tags) } as const;
      const message = increase === null ? sample : { ...sample, increase };
      return [{ message, stored: { row: Number(point.id), series: seriesId } }];
    });
  }

  /** The newest event whose tags match, of the channel's newest 10,000; `null` where there is none. */
  async event(tenant: TenantId, channel: ChannelName, filter: TagFilter): Promise<Event | null> {
    const matching = matchingEvents(':channel', filter);
    const row = await this.events
      .createQueryBuilder('event')
      .where(matching.sql, { ...matching.parameters, tenant, channel })
      .orderBy('event.timestamp', 'DESC')
      .addOrderBy('event.id', 'DESC')
      .limit(1)
      .getOne();
    if (!row) return null;
    const { type, timestamp, tags, data } = row;
    return { kind: 'event', type, timestamp, tags: parseStoredTags(tags), data: JSON.parse(data) as Event['data'] };
  }

  /** When the newest of each channel was, of what {@link sample} and {@link event} would find. */
  async times(
    tenant: TenantId,
    channels: readonly ChannelName[],
    filter: TagFilter,
  ): Promise<ReadonlyMap<ChannelName, Millis>> {
    const isOfEvents = (channel: ChannelName) => channel.endsWith('.events');
    const found = await Promise.all([
      this.#sampleTimes(
        tenant,
        channels.filter((channel) => !isOfEvents(channel)),
        filter,
      ),
      this.#eventTimes(tenant, channels.filter(isOfEvents), filter),
    ]);
    return new Map(found.flat().flatMap(({ channel, at }) => (at === null ? [] : [[channel, Number(at)]])));
  }

  async #sampleTimes(tenant: TenantId, channels: readonly ChannelName[], filter: TagFilter): Promise<ChannelTime[]> {
    if (channels.length === 0) return [];
    const matching = tagsMatch('series.tags', filter);
    return this.series
      .createQueryBuilder('series')
      .select('series.channel', 'channel')
      .addSelect(`MAX(${newestPoint('timestamp')})`, 'at')
      .where({ tenantId: tenant, channel: In([...channels]) })
      .andWhere(matching.sql, matching.parameters)
      .groupBy('series.channel')
      .getRawMany();
  }

  async #eventTimes(tenant: TenantId, channels: readonly ChannelName[], filter: TagFilter): Promise<ChannelTime[]> {
    if (channels.length === 0) return [];
    const matching = matchingEvents('known.channel', filter);
    return this.eventTypes
      .createQueryBuilder('known')
      .select('known.channel', 'channel')
      .addSelect(
        `(SELECT event.timestamp FROM metricast_event event WHERE ${matching.sql}
          ORDER BY event.timestamp DESC LIMIT 1)`,
        'at',
      )
      .where({ tenantId: tenant, channel: In([...channels]) })
      .setParameters({ ...matching.parameters, tenant })
      .groupBy('known.channel')
      .getRawMany();
  }
}

interface ChannelTime {
  readonly channel: ChannelName;
  readonly at: unknown;
}

function newestPoint(column: 'timestamp' | 'point_id'): string {
  return `(SELECT point.${column} FROM metricast_metric_point point WHERE point.series_id = series.series_id
           ORDER BY point.timestamp DESC, point.point_id DESC LIMIT 1)`;
}

/** That `event` is one of `:tenant` and of this channel, which an expression says, with tags that match. */
function matchingEvents(channel: string, filter: TagFilter) {
  const ofChannel = (alias: string) => `${alias}.tenant_id = :tenant AND ${alias}.channel = ${channel}`;
  const { sql, parameters } = tagsMatch('event.tags', filter);
  const isNarrowed = Object.keys(filter).length > 0;
  // Where nothing matches, all there is would be looked through.
  const lookedAt = `event.timestamp >= COALESCE((
      SELECT old.timestamp FROM metricast_event old WHERE ${ofChannel('old')}
      ORDER BY old.timestamp DESC LIMIT 1 OFFSET ${EVENTS_LOOKED_AT - 1}), 0)`;
  return { sql: [ofChannel('event'), ...(isNarrowed ? [lookedAt, sql] : [])].join(' AND '), parameters };
}
