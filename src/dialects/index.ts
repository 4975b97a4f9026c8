import type { Dialect } from '../protocol/index.js';
import { channelsDialect } from './channels/channels.dialect.js';
import { routingDialect } from './routing/routing.dialect.js';
import { skillsDialect } from './skills/skills.dialect.js';
import { toolsDialect } from './tools/tools.dialect.js';
import { workspaceDialect } from './workspace/workspace.dialect.js';

/** Every wire vocabulary, by its name. */
export const DIALECTS = {
  channels: channelsDialect,
  skills: skillsDialect,
  tools: toolsDialect,
  routing: routingDialect,
  workspace: workspaceDialect,
} satisfies Record<string, Dialect>;

/** The name of a wire vocabulary. */
export type DialectName = keyof typeof DIALECTS;

export function isDialectName(name: string): name is DialectName {
  return Object.hasOwn(DIALECTS, name);
}
