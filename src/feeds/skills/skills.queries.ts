import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, Repository } from 'typeorm';
import { type Millis, type TenantId, isPlainText } from '../../protocol/index.js';
import type { PageRequest } from '../../rest/index.js';
import { DATA_SOURCE } from '../../store/index.js';
import { SkillAnomaly } from './skill-anomaly.entity.js';
import { Skill } from './skill.entity.js';

/** Where a skill stands in the list of all. */
export type SkillKey = readonly [totalInvocations: number, skillName: string];

/** Where an anomaly stands in the list of its skill's. */
export type AnomalyKey = readonly [detectedAt: Millis, id: number];

const MAX_NAME_LENGTH = 200;
/** The last number that PostgreSQL would give one. */
const MAX_ID = 2 ** 31 - 1;

/** Reads the skills of a tenant and their anomalies, a page at a time; each page is read from the index in its order. */
@Injectable()
export class SkillsQueries {
  constructor(
    @InjectRepository(Skill, DATA_SOURCE) private readonly skills: Repository<Skill>,
    @InjectRepository(SkillAnomaly, DATA_SOURCE) private readonly anomalies: Repository<SkillAnomaly>,
  ) {}

  /**
   * The most used first, by total and then by name; one more than the page's limit where there are more. Totals only
   * grow, so no skill comes on two pages; one that overtakes the place where a page ended comes on none.
   *
   * @param names absent: all skills.
   */
  list(tenant: TenantId, names: readonly string[] | undefined, page: PageRequest<SkillKey>): Promise<Skill[]> {
    const { limit, after } = page;
    const query = this.skills
      .createQueryBuilder('skill')
      .where({ tenantId: tenant, ...(names && { skillName: In([...names]) }) })
      .orderBy('skill.totalInvocations', 'DESC')
      .addOrderBy('skill.skillName', 'ASC')
      .limit(limit + 1);
    if (after) {
      const [total, name] = after;
      // Said twice, because an index is searched for the first half alone.
      query.andWhere('skill.totalInvocations <= :total', { total });
      query.andWhere('(skill.totalInvocations < :total OR skill.skillName > :name)', { total, name });
    }
    return query.getMany();
  }

  /** `null` for one that never ran, and for a name that no skill can have. */
  async find(tenant: TenantId, name: string): Promise<Skill | null> {
    return isSkillName(name) ? this.skills.findOneBy({ tenantId: tenant, skillName: name }) : null;
  }

  /** Those of one skill, the newest first; one more than the page's limit where there are more. */
  listAnomalies(tenant: TenantId, skill: string, page: PageRequest<AnomalyKey>): Promise<SkillAnomaly[]> {
    const { limit, after } = page;
    const query = this.anomalies
      .createQueryBuilder('anomaly')
      .where({ tenantId: tenant, skillName: skill })
      .orderBy('anomaly.detectedAt', 'DESC')
      .addOrderBy('anomaly.id', 'DESC')
      .limit(limit + 1);
    if (after) {
      const [at, id] = after;
      query.andWhere('anomaly.detectedAt <= :at', { at });
      query.andWhere('(anomaly.detectedAt < :at OR anomaly.id < :id)', { at, id });
    }
    return query.getMany();
  }
}

export function isSkillKey(value: unknown): value is SkillKey {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [total, name] = value as unknown[];
  return isCount(total) && isSkillName(name);
}

export function isAnomalyKey(value: unknown): value is AnomalyKey {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [detectedAt, id] = value as unknown[];
  return isCount(detectedAt) && isCount(id) && id <= MAX_ID;
}

function isSkillName(value: unknown): value is string {
  return isPlainText(value, MAX_NAME_LENGTH);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
