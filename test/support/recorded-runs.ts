import { getRepositoryToken } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { SkillInvocation } from '../../src/feeds/skills/skill-invocation.entity.js';
import { DATA_SOURCE } from '../../src/store/index.js';
import type { TestApp } from './app.js';

/** What a server has stored of the runs of a skill. */
export function recordedRuns({ app }: TestApp, skillName: string): Promise<SkillInvocation[]> {
  const token = getRepositoryToken(SkillInvocation, DATA_SOURCE);
  return app.get<Repository<SkillInvocation>>(token).findBy({ skillName });
}
