import fc from 'fast-check';
import type { Framing } from '../../../src/hub/index.js';
import {
  type ChannelName,
  type Dialect,
  type Format,
  type Message,
  type TagFilter,
  type Tags,
  type TenantId,
  bothFilters,
} from '../../../src/protocol/index.js';
import { PlainDialect } from '../../support/plain-dialect.js';
import { tenantId } from '../../support/principals.js';
import { channelName, filterOf } from '../../support/publications.js';
import { lineOf } from './naive-hub.js';

export const TENANTS = ['acme', 'globex'].map(tenantId);
export const CHANNELS = ['orders.metrics', 'carts.metrics', 'carts.events'].map(channelName);
const PAIRS: Record<string, string | string[]>[] = [
  {},
  { env: 'a' },
  { env: ['a', 'b'] },
  { region: 'x' },
  { env: 'b', region: 'x' },
];
const FILTERS = PAIRS.map(filterOf);
const TAGS: Tags[] = [{}, { env: 'a' }, { env: 'a', region: 'x' }, { env: 'b', region: 'x' }, { env: 'c' }];
const EVENT_TYPES = ['placed', 'shipped'];
const FRAMINGS = ['text', 'binary'].map((name): Framing => ({
  name,
  frame: (message) => Buffer.from(`${name} ${(message as { line: string }).line}\n`),
}));
const DIALECTS = ['plain', 'other'].map((name): Dialect => {
  const render: Dialect['render'] = ({ channel, offset }, format) => [
    { line: lineOf('', name, format, channel, offset).trimStart() },
  ];
  return Object.assign(new PlainDialect(name), { render });
});

/** What can happen to a hub. */
export type Action =
  | { do: 'open'; tenant: TenantId; dialect: Dialect; framing: Framing; tokenFilter: TagFilter }
  | {
      do: 'subscribe';
      who: number;
      channel: ChannelName;
      filter: TagFilter;
      format: Format;
      events: string[] | undefined;
    }
  | { do: 'unsubscribe'; who: number; channels: ChannelName[] | undefined }
  | { do: 'reframe'; who: number; framing: Framing }
  | { do: 'close'; who: number; isTold: boolean }
  | {
      do: 'deliver';
      tenant: TenantId;
      channel: ChannelName;
      kind: Message['kind'];
      tags: Tags;
      eventType: string;
      collectedFor: TagFilter;
    }
  | { do: 'end turn' };

const who = fc.nat(20);
/** The first one half of the time, so that things meet. */
const anyOf = <T>(values: readonly T[]) => fc.oneof(fc.constant(values[0]!), fc.constantFrom(...values));
export const open: fc.Arbitrary<Action & { do: 'open' }> = fc.record({
  do: fc.constant('open' as const),
  tenant: anyOf(TENANTS),
  dialect: anyOf(DIALECTS),
  framing: anyOf(FRAMINGS),
  tokenFilter: anyOf(FILTERS),
});
export const action: fc.Arbitrary<Action> = fc.oneof(
  { arbitrary: open, weight: 2 },
  {
    arbitrary: fc.record({
      do: fc.constant('subscribe' as const),
      who,
      channel: anyOf(CHANNELS),
      filter: anyOf(FILTERS),
      format: anyOf<Format>(['snapshot', 'points']),
      events: fc.option(fc.subarray(EVENT_TYPES), { nil: undefined }),
    }),
    weight: 6,
  },
  {
    arbitrary: fc.record({
      do: fc.constant('unsubscribe' as const),
      who,
      channels: fc.option(fc.subarray(CHANNELS), { nil: undefined }),
    }),
    weight: 2,
  },
  { arbitrary: fc.record({ do: fc.constant('reframe' as const), who, framing: anyOf(FRAMINGS) }), weight: 1 },
  { arbitrary: fc.record({ do: fc.constant('close' as const), who, isTold: fc.boolean() }), weight: 1 },
  {
    arbitrary: fc.record({
      do: fc.constant('deliver' as const),
      tenant: anyOf(TENANTS),
      channel: anyOf(CHANNELS),
      kind: anyOf<Message['kind']>(['sample', 'event', 'state', 'failure']),
      tags: anyOf(TAGS),
      eventType: anyOf(EVENT_TYPES),
      // What two of the filters make together is what states are collected for.
      collectedFor: fc.tuple(anyOf(FILTERS), anyOf(FILTERS)).map(([one, other]) => bothFilters(one, other)),
    }),
    weight: 8,
  },
  { arbitrary: fc.constant({ do: 'end turn' as const }), weight: 2 },
);
