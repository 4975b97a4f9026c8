import { Injectable } from '@nestjs/common';
import type { Publishable, TenantId } from '../../protocol/index.js';
import { type RecordKind, type RecordResult, Recorder, knownTenant } from '../../recording/index.js';
import { ChannelDirectory, EventStore, type Write } from '../../store/index.js';
import { type ChannelEventInput, type EventItem, parseEvent } from './event-item.js';

/** Records events of any type on any channel of events. */
@Injectable()
export class EventsRecorder {
  readonly #kind: RecordKind<EventItem>;

  constructor(
    private readonly recorder: Recorder,
    events: EventStore,
    directory: ChannelDirectory,
  ) {
    this.#kind = {
      name: 'events',
      parse: parseEvent,
      *write(tenant: TenantId, items: readonly EventItem[]): Write<() => readonly Publishable[]> {
        const committed = yield* events.append(tenant, items);
        return () => {
          directory.add(tenant, new Set(items.map(({ channel }) => channel)));
          return committed();
        };
      },
    };
  }

  /**
   * Records events for a tenant. When it resolves they are committed, and on their way to the channels' subscribers.
   *
   * @param input one event or up to 10,000; each is validated by itself. A bad one throws nothing:
   * it is named in the `rejected` of the result.
   * @throws TypeError where the tenant cannot be one (1 to 128 of `A-Z a-z 0-9 _ . -`, the first a letter or a digit);
   * `MetricastError` `too_large` for more than 10,000 items.
   * @throws `MetricastError` `busy` where the store cannot take them: none is stored, unless the
   * database failed midway: of many items some may be stored then. With ids the call may be repeated.
   */
  async record(tenant: string, input: ChannelEventInput | readonly ChannelEventInput[]): Promise<RecordResult> {
    return this.recorder.record(this.#kind, knownTenant(tenant), Array.isArray(input) ? input : [input]);
  }
}
