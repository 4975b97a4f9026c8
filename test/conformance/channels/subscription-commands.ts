import fc from 'fast-check';

export type Filter = Readonly<Record<string, string | readonly string[]>>;

/** Something that is published on a channel: a recorded value where that is one of metrics, an event elsewhere. */
export interface Item {
  readonly channel: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** What a client can send, and what can be recorded meanwhile. */
export type Action =
  | {
      readonly do: 'subscribe';
      readonly channels: readonly string[];
      readonly tags?: Filter;
      readonly format?: string;
      readonly id: unknown;
    }
  | { readonly do: 'unsubscribe'; readonly channels?: readonly string[]; readonly id: unknown }
  | { readonly do: 'ping'; readonly id: unknown }
  /** A frame that asks for nothing which can be done. */
  | { readonly do: 'misspeak'; readonly frame: Readonly<Record<string, unknown>>; readonly error: object }
  | { readonly do: 'record'; readonly items: readonly Item[] };

/** There from the beginning; there once something was recorded in them; never there. */
const CHANNELS = ['alerts.events', 'a.metrics', 'b.metrics', 'fresh.events'];
const NAMES = [...CHANNELS, ...CHANNELS, 'nope.metrics', 'never.events', 'no channel', '__proto__', ''];
const FILTERS: Filter[] = [{}, { shop: 'north' }, { shop: ['north', 'south'] }, { shop: 'north', env: 'test' }];
const TAGS: Item['tags'][] = [{}, { shop: 'north' }, { shop: 'south' }, { shop: 'north', env: 'test' }, { env: 'x' }];

export const tokenFilter = fc.constantFrom<Filter>({}, { shop: ['north', 'west'] });
const id = fc.constantFrom(undefined, undefined, 1, 'two', ['no id'], '');
const names = fc.array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 4 });

const misspoken = fc.constantFrom(
  { frame: { type: 'SUBSCRIBE' }, error: { message: 'Unknown message type', code: 'unknown_type' } },
  {
    frame: { type: 'presence', data: {} },
    error: { message: 'Invalid request: channel must be a channel name', code: 'bad_request' },
  },
  ...[
    { type: 'subscribe', data: { channels: 'a.metrics' } },
    { type: 'subscribe', data: { channels: [] } },
    { type: 'unsubscribe', channels: [7] },
  ].map((frame) => ({
    frame,
    error: { message: 'Subscription error: channels must be a list of channel names', code: 'bad_subscription' },
  })),
  {
    frame: { type: 'subscribe', data: { channels: ['alerts.events'], tags: { shop: 7 } } },
    error: {
      message: 'Subscription error: a tag value must be a printable text or a list of them',
      code: 'bad_subscription',
    },
  },
);

export const action: fc.Arbitrary<Action> = fc.oneof(
  {
    arbitrary: fc.record({
      do: fc.constant('subscribe' as const),
      channels: names,
      tags: fc.option(fc.constantFrom(...FILTERS), { nil: undefined }),
      format: fc.constantFrom(undefined, 'snapshot', 'points'),
      id,
    }),
    weight: 5,
  },
  {
    arbitrary: fc.record({
      do: fc.constant('unsubscribe' as const),
      channels: fc.option(names, { nil: undefined, freq: 3 }),
      id,
    }),
    weight: 2,
  },
  { arbitrary: fc.record({ do: fc.constant('ping' as const), id }), weight: 1 },
  { arbitrary: misspoken.map((each) => ({ do: 'misspeak' as const, ...each })), weight: 1 },
  {
    arbitrary: fc.record({
      do: fc.constant('record' as const),
      items: fc.array(fc.record({ channel: fc.constantFrom(...CHANNELS), tags: fc.constantFrom(...TAGS) }), {
        minLength: 1,
        maxLength: 6,
      }),
    }),
    weight: 5,
  },
);
