import { Controller, Get, Inject, Req, Res, UseFilters, UseGuards, VERSION_NEUTRAL } from '@nestjs/common';
import { HttpAuthGuard, RequireRole, principalOf } from '../../auth/index.js';
import { METRICS_SERVICE_OPTIONS, type MetricsServiceOptions } from '../../metrics/index.js';
import { MetricastError, type Principal, isoTimestamp, matchesFilter } from '../../protocol/index.js';
import { Answer, ProblemFilter, pageOf, pathParameter, readPageRequest } from '../../rest/index.js';
import { type AnomalyKey, type SkillKey, SkillsQueries, isAnomalyKey, isSkillKey } from './skills.queries.js';
import type { SkillAnomaly } from './skill-anomaly.entity.js';
import type { Skill } from './skill.entity.js';
import { anomalySummary, skillSummary } from './summaries.js';

/** What is known of a tenant's skills, beyond the ten that `skills.metrics` shows. */
@Controller({ path: 'skills', version: VERSION_NEUTRAL })
@UseGuards(HttpAuthGuard)
@UseFilters(ProblemFilter)
@RequireRole('viewer')
export class SkillsController {
  constructor(
    private readonly queries: SkillsQueries,
    private readonly answer: Answer,
    @Inject(METRICS_SERVICE_OPTIONS) private readonly states: MetricsServiceOptions,
  ) {}

  /** All skills, the most used first. */
  @Get()
  async list(@Req() request: object, @Res() response: object): Promise<void> {
    const principal = principalOf(request);
    const page = readPageRequest(request, isSkillKey);
    const skills = await this.queries.list(principal.tenant, this.#namesFor(principal), page);
    this.answer.show(request, response, pageOf(skills, page.limit, skillItem, keyOfSkill));
  }

  @Get(':name')
  async show(@Req() request: object, @Res() response: object): Promise<void> {
    this.answer.show(request, response, skillItem(await this.#find(request)));
  }

  /** The anomalies of a skill, the newest first. */
  @Get(':name/anomalies')
  async anomalies(@Req() request: object, @Res() response: object): Promise<void> {
    const page = readPageRequest(request, isAnomalyKey);
    const { skillName } = await this.#find(request);
    const anomalies = await this.queries.listAnomalies(principalOf(request).tenant, skillName, page);
    this.answer.show(request, response, pageOf(anomalies, page.limit, anomalyItem, keyOfAnomaly));
  }

  /** The skill that a request's path names. @throws {@link MetricastError} `not_found` */
  async #find(request: object): Promise<Skill> {
    const principal = principalOf(request);
    const name = pathParameter(request, 'name');
    const isHidden = this.#namesFor(principal)?.includes(name) === false;
    const skill = isHidden ? null : await this.queries.find(principal.tenant, name);
    if (!skill) throw new MetricastError('not_found');
    return skill;
  }

  /** The skills that a principal may see; `undefined` for all. As in the state: whatever else its filter names is matched by the tags of states. */
  #namesFor({ filter: { skill_name: names, ...others } }: Principal): readonly string[] | undefined {
    return matchesFilter(others, this.states.tags) ? names : [];
  }
}

function skillItem(skill: Skill) {
  return { ...skillSummary(skill), last_run_at: isoTimestamp(skill.lastRunAt) };
}

function keyOfSkill({ totalInvocations, skillName }: Skill): SkillKey {
  return [totalInvocations, skillName];
}

function anomalyItem(anomaly: SkillAnomaly) {
  const { resolvedAt } = anomaly;
  return { ...anomalySummary(anomaly), resolved_at: resolvedAt === null ? null : isoTimestamp(resolvedAt) };
}

function keyOfAnomaly({ detectedAt, id }: SkillAnomaly): AnomalyKey {
  return [detectedAt, id];
}
