import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { setImmediate } from 'node:timers/promises';
import { Repository } from 'typeorm';
import type { Event, Place } from '../protocol/index.js';
import { DATA_SOURCE } from './data-source-name.js';
import { StoredEvent } from './event.entity.js';
import type { HistorySpan, Kept, Slice } from './kept.js';
import { parseStoredTags, tagsMatch } from './stored-tags.js';

/** Events that are looked at in one go; each can be large. */
const MAX_EVENTS = 250;

/** Reads the events of a channel in the order of their timestamps. */
@Injectable()
export class EventReader {
  constructor(@InjectRepository(StoredEvent, DATA_SOURCE) private readonly events: Repository<StoredEvent>) {}

  /** All that lie behind a place and match, in pieces: as many were looked at for each, whether they match or not. */
  async *slices(
    { tenant, channel, end, filter, name, wanted = Infinity }: HistorySpan,
    start: Place,
  ): AsyncGenerator<Slice> {
    const { sql, parameters } = tagsMatch('event.tags', filter);
    const isNarrowed = Object.keys(filter).length > 0 || name !== undefined;
    const size = isNarrowed ? MAX_EVENTS : Math.min(MAX_EVENTS, wanted + 1);
    const matches = name === undefined ? sql : `${sql} AND event.type = :name`;
    for (let after = start; ;) {
      await setImmediate();
      const rows = await this.events
        .createQueryBuilder('event')
        .select(['event.event_id AS id', 'event.timestamp AS timestamp', 'event.type AS type', 'event.tags AS tags'])
        // Of the others the data, which can be large, need not be fetched.
        .addSelect(`CASE WHEN ${matches} THEN event.data END`, 'data')
        .where({ tenantId: tenant, channel })
        .andWhere('event.timestamp >= :from AND event.timestamp < :end', { from: after.timestamp, end })
        .andWhere('(event.timestamp > :at OR event.event_id > :row)', { at: after.timestamp, row: after.row })
        .setParameters({ ...parameters, name })
        .orderBy('event.timestamp')
        .addOrderBy('event.id')
        .limit(size)
        .getRawMany<EventRow>();
      const last = rows.at(-1);
      if (!last) return;
      after = { timestamp: Number(last.timestamp), series: 0, row: Number(last.id) };
      yield { rows: rows.flatMap(keptOf), reached: after };
      if (rows.length < size) return;
    }
  }
}

interface EventRow {
  readonly id: unknown;
  readonly timestamp: unknown;
  readonly type: string;
  readonly tags: string;
  /** Null where it does not match. */
  readonly data: string | null;
}

function keptOf({ id, timestamp, type, tags, data }: EventRow): Kept<Event>[] {
  if (data === null) return [];
  const own = {
    type,
    timestamp: Number(timestamp),
    tags: parseStoredTags(tags),
    data: JSON.parse(data) as Event['data'],
  };
  return [{ message: { kind: 'event', ...own }, stored: { row: Number(id) } }];
}
