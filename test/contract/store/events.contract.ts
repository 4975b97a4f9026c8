import { expect, it } from 'vitest';
import type { Event } from '../../../src/protocol/index.js';
import type { EventStore, Write } from '../../../src/store/index.js';
import { type Appended, EventLog, channelEvent } from '../../support/event-log.js';
import { channelName } from '../../support/publications.js';
import { storedEvents } from '../../support/published.js';
import { type Storage, newTenant } from '../../support/storage.js';

const REPORTS = channelName('reports.events');
const ARCHIVE = channelName('archive.events');

/** Events are appended, and their types with them: all of it, or nothing. */
export function eventsContract(storage: () => Storage, another: () => Promise<Storage>): void {
  const log = () => new EventLog(storage());

  it('events are stored as they are, in their order', async () => {
    const tenant = newTenant();
    const events: Appended[] = [
      {
        channel: REPORTS,
        type: 'ready',
        timestamp: 7,
        tags: { a: 'ö "b"' },
        data: { list: [1, null], deep: { x: 'ü' } },
      },
      { channel: ARCHIVE, type: 'Filed.1-a', timestamp: Date.now() },
      { channel: REPORTS, type: 'ready' },
    ];
    await log().append(tenant, events);
    await log().append(tenant, [{ channel: REPORTS, type: 'late' }]);

    expect(await storedEvents(storage(), tenant)).toEqual(
      [...events, { channel: REPORTS, type: 'late' }].map((event) => ({ timestamp: 0, tags: {}, data: {}, ...event })),
    );
    expect(await log().types(tenant)).toHaveLength(3);
  });

  it('nothing to append is nothing to write', async () => {
    const { statements } = storage().transactor;
    const before = statements.length;
    await log().append(newTenant(), []);

    expect(statements.slice(before)).toEqual([]);
  });

  it('a write that fails leaves neither an event nor a type, and none is remembered', async () => {
    const tenant = newTenant();
    await log().failToAppend(tenant, [{ channel: REPORTS, type: 'ready' }]);

    expect(await storedEvents(storage(), tenant)).toEqual([]);
    expect(await log().types(tenant)).toEqual([]);
    expect(await log().channelsOf(tenant, ['ready'])).toEqual([]);
    expect((await log().newDirectory().existing(tenant, [REPORTS])).size).toBe(0);

    await log().append(tenant, [{ channel: REPORTS, type: 'ready' }]);
    expect(await log().types(tenant)).toEqual([{ type: 'ready', channel: REPORTS }]);
  });

  it('a type that was written in a transaction which another write broke is written again', async () => {
    const tenant = newTenant();
    const broken = (): Promise<unknown> =>
      storage().write(function* (): Write<void> {
        yield { sql: 'INSERT INTO nowhere VALUES ($1)', values: [1] };
      });
    const results = await Promise.allSettled([
      log().append(tenant, [{ channel: REPORTS, type: 'a' }]),
      broken(),
      log().append(tenant, [{ channel: REPORTS, type: 'b' }]),
    ]);

    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect((await storedEvents(storage(), tenant)).map((event) => (event as Event).type)).toEqual(['a', 'b']);
    expect((await log().types(tenant)).map(({ type }) => type)).toEqual(['a', 'b']);
  });

  it('a type is written once, until the service starts anew', async () => {
    const tenant = newTenant();
    const { statements } = storage().transactor;
    /** What is written of types by an append. */
    const written = async (types: string[], store?: EventStore) => {
      const before = statements.length;
      await log().append(
        tenant,
        types.map((type) => ({ channel: REPORTS, type })),
        store,
      );
      const inserts = statements
        .slice(before)
        .flatMap((each) => ('into' in each && each.into === 'metricast_event_type' ? [each] : []));
      return inserts.flatMap(({ rows }) => rows.map(([, type]) => type));
    };

    expect(await written(['b', 'a', 'b'])).toEqual(['a', 'b']);
    expect(await written(['a', 'c', 'b'])).toEqual(['c']);
    expect(await written(['a', 'b', 'c'])).toEqual([]);
    expect(await written(['a'], log().newStore())).toEqual(['a']);
    expect((await log().types(tenant)).map(({ type }) => type)).toEqual(['a', 'b', 'c']);
  });

  it('two instances that learn the same types at once both store their events', async () => {
    const tenant = newTenant();
    const instances = [storage(), await another()];
    const types = Array.from({ length: 40 }, (_, at) => `type_${at}`);
    await Promise.all(
      types.flatMap((_, at) =>
        instances.map(async ({ write, events }, instance) => {
          const own = (instance === 0 ? types : types.toReversed()).slice(at);
          const remember = await write(
            () =>
              events.append(
                tenant,
                own.map((type) => channelEvent({ channel: REPORTS, type })),
              ),
            own.length,
          );
          remember();
        }),
      ),
    );

    expect(await log().types(tenant)).toHaveLength(40);
    expect(await storedEvents(storage(), tenant)).toHaveLength(40 * 41);
    for (const { events } of instances) expect(await log().channelsOf(tenant, types, events)).toHaveLength(40);
    await instances[1]!.close();
  });
}
