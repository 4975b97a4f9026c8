import { isoTimestamp } from '../../protocol/index.js';
import type { SkillAnomaly } from './skill-anomaly.entity.js';
import type { Skill } from './skill.entity.js';

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

export function skillSummary(skill: Skill): SkillSummary {
  return {
    skill_name: skill.skillName,
    total_invocations: skill.totalInvocations,
    completion_rate: round((100 * skill.completedInvocations) / skill.totalInvocations, 2),
    avg_duration_seconds: skill.timedInvocations ? round(skill.totalDurationSeconds / skill.timedInvocations, 6) : null,
  };
}

export function anomalySummary(anomaly: SkillAnomaly): AnomalySummary {
  return {
    skill_name: anomaly.skillName,
    detected_at: isoTimestamp(anomaly.detectedAt),
    anomaly_type: anomaly.anomalyType,
    deviation_score: round(Math.abs(anomaly.deviationScore), 2),
  };
}

function round(value: number, decimals: number): number {
  return Number(value.toFixed(decimals));
}
