import type { Publication } from '../../src/protocol/index.js';
import type { Storage } from './storage.js';

/** What is published from now on. */
export class Published {
  readonly #publications: Publication[] = [];

  constructor({ broker }: Storage) {
    broker.onPublication((publication) => this.#publications.push(publication));
  }

  of(tenant: string): Publication[] {
    return this.#publications.filter((publication) => publication.tenant === tenant);
  }

  /** The events among it, each with its channel. */
  events(tenant: string): object[] {
    return this.of(tenant).flatMap(({ channel, message }) => {
      if (message.kind !== 'event') return [];
      const { type, timestamp, tags, data } = message;
      return [{ channel, type, timestamp, tags: { ...tags }, data }];
    });
  }
}

/** The events that are stored, oldest first, as {@link Published} shows them. */
export async function storedEvents(storage: Storage, tenant: string): Promise<object[]> {
  const rows = await storage.rows(
    'SELECT channel, type, timestamp, tags, data FROM metricast_event WHERE tenant_id = $1 ORDER BY event_id',
    [tenant],
  );
  return rows.map(({ channel, type, timestamp, tags, data }) => ({
    channel,
    type,
    timestamp: Number(timestamp),
    tags: tags === '' ? {} : (JSON.parse(tags as string) as object),
    data: JSON.parse(data as string) as object,
  }));
}
