import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { setImmediate } from 'node:timers/promises';
import { In, Repository } from 'typeorm';
import type { Event, Place } from '../protocol/index.js';
import { DATA_SOURCE } from './data-source-name.js';
import { StoredEvent } from './event.entity.js';
import type { HistorySpan, Kept, Slice } from './kept.js';
import { parseStoredTags, tagsMatch } from './stored-tags.js';

/** Events that are looked at in one go. */
const MAX_EVENTS = 250;
/** Of the data of events that are read in one go, unless it is a single one. */
const MAX_BYTES = 128 * 1024;

/** Reads the events of a channel in the order of their timestamps. */
@Injectable()
export class EventReader {
  constructor(@InjectRepository(StoredEvent, DATA_SOURCE) private readonly events: Repository<StoredEvent>) {}

  /** All that lie behind a place and match, in pieces; some are empty, where many were looked at that do not match. */
  async *slices(span: HistorySpan, start: Place): AsyncGenerator<Slice> {
    const { filter, name, wanted = Infinity } = span;
    const isNarrowed = Object.keys(filter).length > 0 || name !== undefined;
    const size = isNarrowed ? MAX_EVENTS : Math.min(MAX_EVENTS, wanted + 1);
    for (let after = start; ;) {
      const seen = await this.#next(span, after, size);
      for (const part of partsOf(seen)) {
        after = part.at(-1)!.place;
        yield { rows: await this.#read(part), reached: after };
      }
      if (seen.length < size) return;
    }
  }

  /** Of the instant that was reached what is left, then of those after it: each is found without what was read before. */
  async #next(span: HistorySpan, { timestamp, row }: Place, size: number): Promise<Seen[]> {
    const left =
      row === 0
        ? []
        : await this.#look(span, 'event.timestamp = :at AND event.event_id > :row', { at: timestamp, row }, size);
    if (left.length === size) return left;
    const range = { from: row === 0 ? timestamp : timestamp + 1, end: span.end };
    const after = await this.#look(
      span,
      'event.timestamp >= :from AND event.timestamp < :end',
      range,
      size - left.length,
    );
    return [...left, ...after];
  }

  /** Without what they say: each can be large, and those that do not match are not read at all. */
  async #look(
    { tenant, channel, filter, name }: HistorySpan,
    where: string,
    values: Readonly<Record<string, number>>,
    size: number,
  ): Promise<Seen[]> {
    const { sql, parameters } = tagsMatch('event.tags', filter);
    const matches = name === undefined ? sql : `${sql} AND event.type = :name`;
    await setImmediate();
    const rows = await this.events
      .createQueryBuilder('event')
      .select(['event.event_id AS id', 'event.timestamp AS timestamp'])
      // A database knows the length of a text without reading it.
      .addSelect(`CASE WHEN ${matches} THEN octet_length(event.data) END`, 'bytes')
      .where({ tenantId: tenant, channel })
      .andWhere(where, values)
      .setParameters({ ...parameters, name })
      .orderBy('event.timestamp')
      .addOrderBy('event.id')
      .limit(size)
      .getRawMany<{ id: unknown; timestamp: unknown; bytes: unknown }>();
    return rows.map(({ id, timestamp, bytes }) => ({
      place: { timestamp: Number(timestamp), series: 0, row: Number(id) },
      bytes: bytes === null ? null : Number(bytes),
    }));
  }

  async #read(part: readonly Seen[]): Promise<Kept<Event>[]> {
    const ids = part.flatMap(({ place, bytes }) => (bytes === null ? [] : [place.row]));
    if (ids.length === 0) return [];
    await setImmediate();
    const found = await this.events.findBy({ id: In(ids) });
    const byId = new Map(found.map((event) => [Number(event.id), event]));
    // One that is not there any more was too old.
    return ids.flatMap((id) => byId.get(id) ?? []).map(keptOf);
  }
}

/** An event that was looked at. */
interface Seen {
  readonly place: Place;
  /** Of its data; null where it does not match. */
  readonly bytes: number | null;
}

/** In their order, each part of so many as may be read in one go. */
function* partsOf(seen: readonly Seen[]): Iterable<readonly Seen[]> {
  let [first, total] = [0, 0];
  for (const [index, { bytes }] of seen.entries()) {
    total += bytes ?? 0;
    if (total <= MAX_BYTES || index === first) continue;
    yield seen.slice(first, index);
    [first, total] = [index, bytes ?? 0];
  }
  if (first < seen.length) yield seen.slice(first);
}

function keptOf({ id, timestamp, type, tags, data }: StoredEvent): Kept<Event> {
  const own = { type, timestamp, tags: parseStoredTags(tags), data: JSON.parse(data) as Event['data'] };
  return { message: { kind: 'event', ...own }, stored: { row: Number(id) } };
}
