import type { Dialect } from '../protocol/index.js';
import { channelsDialect } from './channels/channels.dialect.js';
import { skillsDialect } from './skills/skills.dialect.js';

/** Every wire vocabulary, by its name. */
export const DIALECTS = { channels: channelsDialect, skills: skillsDialect } satisfies Record<string, Dialect>;

/** The name of a wire vocabulary. */
export type DialectName = keyof typeof DIALECTS;

export function isDialectName(name: string): name is DialectName {
  return Object.hasOwn(DIALECTS, name);
}
