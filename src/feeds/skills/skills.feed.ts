import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, MoreThan, Repository } from 'typeorm';
import { type CollectContext, type CollectedPoint, type CollectedState, CollectMetrics } from '../../metrics/index.js';
import { type Millis, SKILLS_METRICS, type TenantId, isoTimestamp } from '../../protocol/index.js';
import { DATA_SOURCE } from '../../store/index.js';
import { AnomalyDetector } from './anomaly-detector.js';
import { SkillAnomaly } from './skill-anomaly.entity.js';
import { Skill } from './skill.entity.js';

/** A row of `top_skills`. */
export interface SkillSummary {
  readonly skill_name: string;
  readonly total_invocations: number;
  /** Percent, 2 decimals. */
  readonly completion_rate: number;
  /** Over the completed runs whose duration is known, 6 decimals; null where there are none. */
  readonly avg_duration_seconds: number | null;
}

/** A row of `anomalies`. */
export interface AnomalySummary {
  readonly skill_name: string;
  readonly detected_at: string;
  readonly anomaly_type: 'drop' | 'spike';
  /** Standard deviations, without sign, 2 decimals. */
  readonly deviation_score: number;
}

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
    return skills.map((skill) => ({
      skill_name: skill.skillName,
      total_invocations: skill.totalInvocations,
      completion_rate: round((100 * skill.completedInvocations) / skill.totalInvocations, 2),
      avg_duration_seconds: skill.timedInvocations
        ? round(skill.totalDurationSeconds / skill.timedInvocations, 6)
        : null,
    }));
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
    return anomalies.map((anomaly) => ({
      skill_name: anomaly.skillName,
      detected_at: isoTimestamp(anomaly.detectedAt),
      anomaly_type: anomaly.anomalyType,
      deviation_score: round(Math.abs(anomaly.deviationScore), 2),
    }));
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

function round(value: number, decimals: number): number {
  return Number(value.toFixed(decimals));
}
