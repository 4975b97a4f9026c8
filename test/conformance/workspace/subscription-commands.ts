import fc from 'fast-check';

export type Filter = Readonly<Record<string, string | readonly string[]>>;

/** Something that a host publishes. */
export interface Item {
  readonly type: string;
  readonly channel: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** What a client can send, and what can be published meanwhile. */
export type Action =
  | { readonly do: 'subscribe'; readonly types: readonly string[] }
  | { readonly do: 'unsubscribe'; readonly types?: readonly string[] }
  | { readonly do: 'request metrics' }
  /** A frame that asks for nothing which can be done. */
  | { readonly do: 'misspeak'; readonly frame: object; readonly error: object }
  | { readonly do: 'publish'; readonly items: readonly Item[] };

/** What the server is told of before anything is published. */
export const DECLARED = { 'reports.events': ['report_ready'] };

/** There from the beginning; there once they were published; never there. */
const TYPES = ['alert', 'execution_started', 'metrics_update', 'report_ready', 'deployed', 'rolled.back'];
const NAMES = [...TYPES, ...TYPES, 'nope', 'no type', '', '__proto__'];
/** Types come on channels of their own, on those of others, and on new ones. */
const PUBLISHED = [
  ['alert', 'alerts.events'],
  ['alert', 'fresh.events'],
  ['execution_started', 'executions.events'],
  ['metrics_update', 'executions.events'],
  ['report_ready', 'reports.events'],
  ['report_ready', 'fresh.events'],
  ['deployed', 'fresh.events'],
  ['deployed', 'reports.events'],
  ['rolled.back', 'executions.events'],
] as const;
const TAGS: Item['tags'][] = [{}, { team: 'a' }, { team: 'c' }, { team: 'a', env: 'test' }];

export const tokenFilter = fc.constantFrom<Filter>({}, {}, { team: ['a', 'b'] });
const names = fc.array(fc.constantFrom(...NAMES), { maxLength: 4 });

const misspoken = fc.constantFrom(
  { frame: { type: 'SUBSCRIBE' }, error: { error: 'Unknown message type', code: 'unknown_type' } },
  {
    frame: { type: 'request_metrics', metric_type: 'agents' },
    error: { error: 'Invalid request: metric_type must be executions', code: 'bad_request' },
  },
  ...[{ type: 'subscribe' }, { type: 'unsubscribe', event_types: [7] }].map((frame) => ({
    frame,
    error: { error: 'Subscription error: event_types must be a list of event types', code: 'bad_subscription' },
  })),
);

export const action: fc.Arbitrary<Action> = fc.oneof(
  { arbitrary: fc.record({ do: fc.constant('subscribe' as const), types: names }), weight: 5 },
  {
    arbitrary: fc.record({
      do: fc.constant('unsubscribe' as const),
      types: fc.option(names, { nil: undefined, freq: 4 }),
    }),
    weight: 2,
  },
  { arbitrary: fc.constant({ do: 'request metrics' as const }), weight: 1 },
  { arbitrary: misspoken.map((each) => ({ do: 'misspeak' as const, ...each })), weight: 1 },
  {
    arbitrary: fc.record({
      do: fc.constant('publish' as const),
      items: fc.array(
        fc
          .tuple(fc.constantFrom(...PUBLISHED), fc.constantFrom(...TAGS))
          .map(([[type, channel], tags]) => ({ type, channel, tags })),
        { minLength: 1, maxLength: 6 },
      ),
    }),
    weight: 5,
  },
);
