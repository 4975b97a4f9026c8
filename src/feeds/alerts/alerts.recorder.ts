import { Injectable } from '@nestjs/common';
import {
  ALERT,
  ALERTS_EVENTS,
  type Event,
  type Millis,
  type Publishable,
  type TenantId,
} from '../../protocol/index.js';
import {
  BadItem,
  type RecordKind,
  type RecordResult,
  Recorder,
  knownTenant,
  lines,
  oneOf,
  optional,
  readItem,
  text,
  timestamp,
} from '../../recording/index.js';
import { EventStore, type Identified, type Write } from '../../store/index.js';

/** Something that people should know of, as `POST /ingest/alerts` takes it too. */
export interface AlertInput {
  /** What kind of alert it is: `budget`, `error_rate`, … */
  readonly type: string;
  /** For people: at most 2,000 characters, of one line or several. */
  readonly message: string;
  readonly priority: 'low' | 'medium' | 'high' | 'critical';
  /** ISO-8601, or Unix seconds; now where absent, at most 5 minutes in the future. */
  readonly timestamp?: string | number;
  /** Makes the alert idempotent: a second one with this id within 24 hours is accepted, and neither stored nor sent. */
  readonly id?: string;
}

const FIELDS = {
  id: optional(text(200)),
  type: text(200),
  message: lines(2000),
  priority: oneOf('low', 'medium', 'high', 'critical'),
  timestamp,
};

interface Alert extends Identified {
  readonly event: Event;
}

/** Records alerts: each is an event of `alerts.events`. */
@Injectable()
export class AlertsRecorder {
  readonly #kind: RecordKind<Alert>;

  constructor(
    private readonly recorder: Recorder,
    events: EventStore,
  ) {
    this.#kind = {
      name: 'alerts',
      parse: parseAlert,
      write(tenant: TenantId, alerts: readonly Alert[]): Write<() => readonly Publishable[]> {
        return events.append(
          tenant,
          alerts.map(({ event }) => ({ channel: ALERTS_EVENTS, event })),
        );
      },
    };
  }

  /**
   * Records alerts for a tenant. When it resolves they are committed, and on their way to the subscribers of
   * `alerts.events`.
   *
   * @param input one alert or up to 10,000; each is validated by itself. A bad one throws nothing:
   * it is named in the `rejected` of the result.
   * @throws TypeError where the tenant cannot be one (1 to 128 of `A-Z a-z 0-9 _ . -`, the first a letter or a digit);
   * `MetricastError` `too_large` for more than 10,000 items.
   * @throws `MetricastError` `busy` where the store cannot take them: none is stored, unless the
   * database failed midway: of many items some may be stored then. With ids the call may be repeated.
   */
  async record(tenant: string, input: AlertInput | readonly AlertInput[]): Promise<RecordResult> {
    return this.recorder.record(this.#kind, knownTenant(tenant), Array.isArray(input) ? input : [input]);
  }
}

function parseAlert(item: unknown, now: Millis): Alert | BadItem {
  const read = readItem(FIELDS, item, now);
  if (read instanceof BadItem) return read;
  const { id, type, message, priority, timestamp: at } = read;
  // Tags are sorted by name.
  const tags = { priority, type };
  return { id, event: { kind: 'event', type: ALERT, timestamp: at, tags, data: { type, message, priority } } };
}
