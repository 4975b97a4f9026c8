import type { Provider, Type } from '@nestjs/common';
import type { LogTable } from '../store/index.js';
import { alertsFeed } from './alerts/index.js';
import { distributedFeed } from './distributed/index.js';
import { eventsFeed } from './events/index.js';
import { executionsFeed } from './executions/index.js';
import { routingFeed } from './routing/index.js';
import { skillsFeed } from './skills/index.js';
import { systemFeed } from './system/index.js';
import { toolsFeed } from './tools/index.js';

/** What a source of states or events adds to the module. */
interface Feed {
  readonly entities?: readonly Type[];
  /** Its tables whose rows can go when they are old: what they come to is kept apart. */
  readonly logs?: readonly LogTable[];
  readonly providers: readonly Provider[];
  readonly controllers?: readonly Type[];
  /** The providers that a host may inject. */
  readonly exports?: readonly Type[];
}

/** Every feed. */
export const FEEDS: readonly Feed[] = [
  skillsFeed,
  toolsFeed,
  routingFeed,
  executionsFeed,
  alertsFeed,
  eventsFeed,
  distributedFeed,
  systemFeed,
];
