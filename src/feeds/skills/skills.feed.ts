import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, MoreThan, Repository } from 'typeorm';
import { type CollectContext, type CollectedPoint, type CollectedState, CollectMetrics } from '../../metrics/index.js';
import { type Millis, SKILLS_METRICS, type TenantId } from '../../protocol/index.js';
import { DATA_SOURCE } from '../../store/index.js';
import { AnomalyDetector } from './anomaly-detector.js';
import { SkillAnomaly } from './skill-anomaly.entity.js';
import { Skill } from './skill.entity.js';
import { type AnomalySummary, type SkillSummary, anomalySummary, skillSummary } from './summaries.js';

const SHOWN = 10;
/** Skills that a state waits for to be looked at; the detector gets to the others by itself. */
const LOOKED_AT = 20;
const HOUR: Millis = 3_600_000;

/** The state of `skills.metrics`: the most used skills and the newest anomalies, of all skills or of the named ones. */
@Injectable()
export class SkillsFeed {
  constructor(
    @InjectRepository(Skill, DATA_SOURCE) private readonly skills: Repository<Skill>,
    @InjectRepository(SkillAnomaly, DATA_SOURCE) private readonly anomalies: Repository<SkillAnomaly>,
    private readonly detector: AnomalyDetector,
  ) {}

  @CollectMetrics(SKILLS_METRICS, { dimensions: ['skill_name'], points: skillPoints })
  async collect({ tenant, filter, timestamp }: CollectContext): Promise<CollectedState> {
    // So that an anomaly shows in the same state as the run that makes it one. Where that fails the detector tries again
    // by itself, and the rest of the state is as good as ever.
    await this.detector.look(tenant, LOOKED_AT).catch(() => undefined);
    const names = filter['skill_name'];
    const [top_skills, anomalies] = await Promise.all([
      this.#topSkills(tenant, names),
      this.#newestAnomalies(tenant, names, timestamp),
    ]);
    return { top_skills, anomalies };
  }

  async #topSkills(tenant: TenantId, names: readonly string[] | undefined): Promise<SkillSummary[]> {
    const skills = await this.skills.find({
      where: { tenantId: tenant, ...(names && { skillName: In([...names]) }) },
      order: { totalInvocations: 'DESC', skillName: 'ASC' },
      take: SHOWN,
    });
    return skills.map(skillSummary);
  }

  async #newestAnomalies(
    tenant: TenantId,
    names: readonly string[] | undefined,
    now: Millis,
  ): Promise<AnomalySummary[]> {
    const anomalies = await this.anomalies.find({
      where: {
        tenantId: tenant,
        detectedAt: MoreThan(now - HOUR),
        ...(names && { skillName: In([...names]) }),
      },
      order: { detectedAt: 'DESC', id: 'DESC' },
      take: SHOWN,
    });
    return anomalies.map(anomalySummary);
  }
}

function skillPoints(state: CollectedState): CollectedPoint[] {
  return (state['top_skills'] as SkillSummary[]).flatMap((skill) => {
    const tags = { skill_name: skill.skill_name };
    return [
      { name: 'skill.invocations', type: 'counter', value: skill.total_invocations, tags },
      { name: 'skill.completion_rate', type: 'gauge', value: skill.completion_rate, tags },
      { name: 'skill.duration.avg', type: 'gauge', value: skill.avg_duration_seconds ?? Number.NaN, tags },
    ];
  });
}
