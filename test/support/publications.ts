import {
  type ChannelName,
  type Event,
  type Failure,
  type Message,
  type Publication,
  type Sample,
  type State,
  type TagFilter,
  NO_FILTER,
  NO_TAGS,
  canonicalKey,
  parseChannelName,
  parseTagFilter,
} from '../../src/protocol/index.js';
import { ACME } from './principals.js';

export function channelName(name: string): ChannelName {
  return parseChannelName(name)!;
}

export const ORDERS = channelName('orders.metrics');

/** A filter as a client or a token may bring it. */
export function filterOf(pairs: Record<string, string | string[]>): TagFilter {
  return parseTagFilter(pairs) as TagFilter;
}

export function sampleWith(particulars: Partial<Sample> = {}): Sample {
  return {
    kind: 'sample',
    name: 'orders.placed',
    type: 'gauge',
    value: 1,
    timestamp: 0,
    tags: NO_TAGS,
    ...particulars,
  };
}

export function eventWith(particulars: Partial<Event> = {}): Event {
  return { kind: 'event', type: 'placed', timestamp: 0, tags: NO_TAGS, data: {}, ...particulars };
}

/** A state of a channel, as it was collected for those who asked with this filter. */
export function stateFor(filter: TagFilter = NO_FILTER, particulars: Partial<State> = {}): State {
  return {
    kind: 'state',
    timestamp: 0,
    tags: NO_TAGS,
    data: { waiting: 3 },
    filter,
    filterKey: canonicalKey(filter),
    points: () => [],
    ...particulars,
  };
}

export function failureFor(filter: TagFilter = NO_FILTER): Failure {
  return { kind: 'failure', timestamp: 0, filterKey: canonicalKey(filter) };
}

/** A message as number `offset` of `orders.metrics` of `acme`, but for what is said otherwise. */
export function publicationOf(message: Message, particulars: Partial<Publication> = {}): Publication {
  return { tenant: ACME, channel: ORDERS, message, epoch: 'e', offset: 1, ...particulars };
}
