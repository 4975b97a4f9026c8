import { AGENTS, PRIORITIES, RECORDED, SHOPS, SKILLS, TOOLS } from './records.js';

/** One connection of a page, and what it says when it is open. */
export interface Feed {
  /** Dialect and encoding, as the report names them. */
  readonly kind: string;
  readonly path: string;
  readonly messages: readonly object[];
}

/** Channels that a page shows. */
export const PANELS = 8;

/** Pages of a tenant, by what they are made of; 20 in all. */
const PAGES = { plain: 8, packed: 4, filtered: 4, mixed: 4 } as const;

const BUILT_IN = [
  'system.metrics',
  'skills.metrics',
  'tools.metrics',
  'routing.metrics',
  'executions.metrics',
  'workflow.metrics',
  'agent.metrics',
  'distributed.metrics',
  'executions.events',
  'alerts.events',
];
const CHANNELS = [...BUILT_IN, ...RECORDED];
/** What the tags of a channel can narrow it to. */
const NARROWED: Readonly<Record<string, (page: number) => object>> = {
  'skills.metrics': (page) => ({ skill_name: of(SKILLS, page) }),
  'tools.metrics': (page) => ({ tool_id: of(TOOLS, page) }),
  'executions.events': (page) => ({ agent_id: of(AGENTS, page) }),
  'alerts.events': (page) => ({ priority: PRIORITIES.slice(page % 3) }),
  'orders.metrics': (page) => ({ shop: of(SHOPS, page) }),
  'requests.metrics': (page) => ({ shop: [of(SHOPS, page), of(SHOPS, page + 1)] }),
  'jobs.metrics': (page) => ({ shop: of(SHOPS, page), region: 'eu-west-1' }),
};

/** The pages that the people of one tenant have open, each with eight channels: a page is one connection or several. */
export function pagesOf(): Feed[][] {
  const make = (count: number, page: (index: number) => Feed[]) =>
    Array.from({ length: count }, (_, index) => page(index));
  return [
    ...make(PAGES.plain, (page) => [channels('JSON', window(page), false)]),
    ...make(PAGES.packed, (page) => [channels('MessagePack', window(page), true)]),
    ...make(PAGES.filtered, (page) => [narrowed(page)]),
    ...make(PAGES.mixed, mixed),
  ];
}

/** Eight channels, other ones for each page. */
function window(page: number): string[] {
  return Array.from({ length: PANELS }, (_, panel) => of(CHANNELS, page * 3 + panel));
}

function channels(encoding: string, names: readonly string[], compression: boolean): Feed {
  const data = { channels: names, compression };
  return { kind: `channels, ${encoding}`, path: '/ws/metrics', messages: [{ type: 'subscribe', data }] };
}

/** A subscribe for each channel, since each has its own filter. Every other page is in MessagePack. */
function narrowed(page: number): Feed {
  const compression = page % 2 === 1;
  const subscribe = (name: string, tags: object | undefined) => ({
    type: 'subscribe',
    data: { channels: [name], tags, compression },
  });
  return {
    kind: `channels with filters, ${compression ? 'MessagePack' : 'JSON'}`,
    path: '/ws/metrics',
    messages: [
      subscribe('system.metrics', undefined),
      ...Object.entries(NARROWED).map(([name, tags]) => subscribe(name, tags(page))),
    ],
  };
}

/** A panel of each of the other dialects, half of them narrowed, and four channels. */
function mixed(page: number): Feed[] {
  const isNarrowed = page % 2 === 1;
  const skill = isNarrowed ? of(SKILLS, page) : null;
  const types = ['execution_started', 'execution_completed', 'metrics_update', 'alert'];
  return [
    { kind: 'skills', path: '/ws/skills', messages: [{ type: 'subscribe', skill }] },
    { kind: 'tools', path: isNarrowed ? `/ws/tools?tool_id=${of(TOOLS, page)}` : '/ws/tools', messages: [] },
    { kind: 'routing', path: '/ws/routing', messages: [] },
    { kind: 'workspace', path: '/ws', messages: [{ type: 'subscribe', event_types: types }] },
    channels('JSON', ['system.metrics', ...RECORDED], false),
  ];
}

function of<T>(list: readonly T[], index: number): T {
  return list[index % list.length]!;
}
