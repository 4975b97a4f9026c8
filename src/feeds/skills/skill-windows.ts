import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Between, Repository } from 'typeorm';
import type { Millis, TenantId } from '../../protocol/index.js';
import { DATA_SOURCE } from '../../store/index.js';
import type { Runs } from './deviation.js';
import { SkillInvocation } from './skill-invocation.entity.js';
import { SkillMinute } from './skill-minute.entity.js';

const MINUTE: Millis = 60_000;

/** Counts a skill's runs in windows of time: whole minutes from their sums, the two cut ones from the runs themselves. */
@Injectable()
export class SkillWindows {
  constructor(
    @InjectRepository(SkillMinute, DATA_SOURCE) private readonly minutes: Repository<SkillMinute>,
    @InjectRepository(SkillInvocation, DATA_SOURCE) private readonly invocations: Repository<SkillInvocation>,
  ) {}

  /** The runs after `from`, up to and including `to`. */
  async runs(tenant: TenantId, skill: string, from: Millis, to: Millis): Promise<Runs> {
    const first = Math.ceil((from + 1) / MINUTE) * MINUTE;
    const end = Math.floor((to + 1) / MINUTE) * MINUTE;
    if (first > end) return this.#counted(tenant, skill, from + 1, to);
    const parts = await Promise.all([
      this.#counted(tenant, skill, from + 1, first - 1),
      this.#summed(tenant, skill, first, end - MINUTE),
      this.#counted(tenant, skill, end, to),
    ]);
    return parts.reduce((all, part) => ({
      runs: all.runs + part.runs,
      completed: all.completed + part.completed,
    }));
  }

  async #summed(tenant: TenantId, skill: string, first: Millis, last: Millis): Promise<Runs> {
    const row = await this.minutes
      .createQueryBuilder('minute')
      .select('COALESCE(SUM(minute.runs), 0)', 'runs')
      .addSelect('COALESCE(SUM(minute.completed), 0)', 'completed')
      .where({ tenantId: tenant, skillName: skill, minute: Between(first, last) })
      .getRawOne<Record<keyof Runs, unknown>>();
    return { runs: Number(row?.runs), completed: Number(row?.completed) };
  }

  async #counted(tenant: TenantId, skill: string, first: Millis, last: Millis): Promise<Runs> {
    if (first > last) return { runs: 0, completed: 0 };
    const row = await this.invocations
      .createQueryBuilder('run')
      .select('COUNT(*)', 'runs')
      .addSelect('COALESCE(SUM(CASE WHEN run.completed THEN 1 ELSE 0 END), 0)', 'completed')
      .where({ tenantId: tenant, skillName: skill, ranAt: Between(first, last) })
      .getRawOne<Record<keyof Runs, unknown>>();
    return { runs: Number(row?.runs), completed: Number(row?.completed) };
  }
}
