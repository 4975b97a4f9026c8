import { ingestController } from '../../recording/index.js';
import { AnomalyDetector } from './anomaly-detector.js';
import { SkillAnomaly } from './skill-anomaly.entity.js';
import { SkillInvocation } from './skill-invocation.entity.js';
import { SkillMinute } from './skill-minute.entity.js';
import { SkillWindows } from './skill-windows.js';
import { Skill } from './skill.entity.js';
import { SkillsController } from './skills.controller.js';
import { SkillsFeed } from './skills.feed.js';
import { SkillsQueries } from './skills.queries.js';
import { SkillsRecorder } from './skills.recorder.js';

export { ANOMALY_THRESHOLDS } from './anomaly-detector.js';
export { type AnomalyThresholds, DEFAULT_THRESHOLDS } from './deviation.js';
export { type SkillInvocationInput, SkillsRecorder } from './skills.recorder.js';

/** The feed of `skills.metrics`. */
export const skillsFeed = {
  entities: [Skill, SkillInvocation, SkillMinute, SkillAnomaly],
  logs: [{ table: 'metricast_skill_invocation', number: 'invocation_id', at: 'ran_at' }],
  providers: [SkillsRecorder, SkillWindows, AnomalyDetector, SkillsFeed, SkillsQueries],
  controllers: [ingestController('skills', SkillsRecorder), SkillsController],
  exports: [SkillsRecorder],
};
