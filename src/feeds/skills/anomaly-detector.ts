import { setImmediate } from 'node:timers/promises';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type FindOperator, In, IsNull, MoreThan, MoreThanOrEqual, Repository } from 'typeorm';
import { Scheduler } from '../../scheduler/index.js';
import type { Millis, TenantId } from '../../protocol/index.js';
import { DATA_SOURCE, type Write, WriteQueue } from '../../store/index.js';
import { type AnomalyThresholds, anomalyStep, deviationScore, runsNeeded } from './deviation.js';
import { SkillAnomaly } from './skill-anomaly.entity.js';
import { SkillBacklog } from './skill-backlog.js';
import { SkillWindows } from './skill-windows.js';
import { Skill } from './skill.entity.js';

export const ANOMALY_THRESHOLDS = Symbol('metricast.anomaly-thresholds');

const LOOK_JOB = 'metricast:anomalies:look';
const SWEEP_JOB = 'metricast:anomalies:sweep';
const HOUR: Millis = 3_600_000;
const DAY: Millis = 24 * HOUR;
/** How soon after a run its skill is looked at, where no subscriber's tick does it earlier. */
const LOOK_INTERVAL: Millis = 1000;
/** How often all skills are looked at that ran lately: the windows move, even where nothing new happens. */
const SWEEP_INTERVAL: Millis = 60_000;

/** Skills of a tenant that are looked at in one turn; then it is the next tenant's, and the others wait for the next round. */
const SKILLS_A_TURN = 200;
/** Marked skills of a tenant that one read sorts out: those that ran too seldom to be looked at. */
const SKILLS_A_READ = 1000;
/** Marked skills of a tenant that are kept. The sweep finds the others. */
const MAX_MARKED = 10_000;

/** Finds skills whose completion in the last hour is far from that of the day before, and keeps their anomalies. */
@Injectable()
export class AnomalyDetector implements OnApplicationBootstrap, OnModuleDestroy {
  /** Those that ran. */
  readonly #marked = new SkillBacklog(MAX_MARKED);
  /** Those that the sweep found. They wait by themselves, so that what just ran need not wait for them. */
  readonly #swept = new SkillBacklog();
  #isStopped = false;

  constructor(
    @InjectRepository(Skill, DATA_SOURCE) private readonly skills: Repository<Skill>,
    @InjectRepository(SkillAnomaly, DATA_SOURCE) private readonly anomalies: Repository<SkillAnomaly>,
    private readonly windows: SkillWindows,
    private readonly queue: WriteQueue,
    private readonly scheduler: Scheduler,
    @Inject(ANOMALY_THRESHOLDS) private readonly thresholds: AnomalyThresholds,
  ) {}

  onApplicationBootstrap(): void {
    this.scheduler.every(LOOK_JOB, LOOK_INTERVAL, () => Promise.all([this.#lookAtMarked(), this.#lookAtSwept()]));
    this.scheduler.every(SWEEP_JOB, SWEEP_INTERVAL, () => this.#sweep());
  }

  onModuleDestroy(): void {
    this.#isStopped = true;
    this.scheduler.cancel(LOOK_JOB);
    this.scheduler.cancel(SWEEP_JOB);
  }

  /** Notes that these skills ran. */
  mark(tenant: TenantId, skills: Iterable<string>): void {
    this.#marked.add(tenant, skills);
  }

  /** Looks at the tenant's marked skills now, those first that have waited longest; at so many of them at most. */
  async look(tenant: TenantId, most = SKILLS_A_TURN): Promise<void> {
    const waiting = new Set(this.#marked.take(tenant, SKILLS_A_READ));
    if (waiting.size === 0) return;
    try {
      const often = await this.#ranOften(tenant, [...waiting]);
      for (const skill of waiting) if (!often.has(skill)) waiting.delete(skill);
      await this.#lookAtEach(tenant, waiting, most);
    } finally {
      this.#marked.add(tenant, waiting);
    }
  }

  #lookAtMarked(): Promise<void> {
    return this.#marked.inTurn((tenant) => this.look(tenant));
  }

  #lookAtSwept(): Promise<void> {
    return this.#swept.inTurn(async (tenant) => {
      const waiting = new Set(this.#swept.take(tenant, SKILLS_A_TURN));
      try {
        await this.#lookAtEach(tenant, waiting);
      } finally {
        this.#swept.add(tenant, waiting);
      }
    });
  }

  /** Finds every skill whose windows hold something, and enough to say anything. */
  async #sweep(): Promise<void> {
    const recent = await this.skills
      .createQueryBuilder('skill')
      .select(['skill.tenantId AS tenant', 'skill.skillName AS name'])
      .where({ lastRunAt: MoreThan(Date.now() - DAY), totalInvocations: this.#enough() })
      .getRawMany<{ tenant: TenantId; name: string }>();
    for (const { tenant, name } of recent) this.#swept.add(tenant, [name]);
    await this.#lookAtSwept();
  }

  /** Those of the skills that ran often enough, ever, for their windows to say anything. */
  async #ranOften(tenant: TenantId, skills: string[]): Promise<ReadonlySet<string>> {
    const often = await this.skills
      .createQueryBuilder('skill')
      .select('skill.skillName', 'name')
      .where({ tenantId: tenant, skillName: In(skills), totalInvocations: this.#enough() })
      .getRawMany<{ name: string }>();
    return new Set(often.map(({ name }) => name));
  }

  #enough(): FindOperator<number> {
    return MoreThanOrEqual(runsNeeded(this.thresholds));
  }

  /** Looks at the skills, at so many of them at most, and takes away each that was looked at. */
  async #lookAtEach(tenant: TenantId, skills: Set<string>, most = Infinity): Promise<void> {
    for (const skill of [...skills].slice(0, most)) {
      await this.#lookAt(tenant, skill);
      skills.delete(skill);
    }
  }

  async #lookAt(tenant: TenantId, skill: string): Promise<void> {
    // SQLite answers without giving the event loop a turn, and there may be thousands of skills.
    await setImmediate();
    if (this.#isStopped) return;
    const now = Date.now();
    const baseline = await this.windows.runs(tenant, skill, now - DAY, now - HOUR);
    const current = await this.windows.runs(tenant, skill, now - HOUR, now);
    const score = deviationScore(baseline, current, this.thresholds);
    if (score === undefined) return;
    const isOpen = await this.anomalies.existsBy({ tenantId: tenant, skillName: skill, resolvedAt: IsNull() });
    const step = anomalyStep(score, isOpen, this.thresholds);
    if (step === 'open') await this.#open(tenant, skill, score, now);
    if (step === 'resolve') await this.#resolve(tenant, skill, now);
  }

  async #open(tenant: TenantId, skill: string, score: number, now: Millis): Promise<void> {
    const write = function* (): Write<void> {
      yield {
        into: 'metricast_skill_anomaly',
        columns: ['tenant_id', 'skill_name', 'anomaly_type', 'deviation_score', 'detected_at'],
        rows: [[tenant, skill, score < 0 ? 'drop' : 'spike', score, now]],
        // Another instance may have seen it too: there is one open anomaly a skill.
        onConflict: 'ON CONFLICT DO NOTHING',
      };
    };
    await this.queue.write(1, write, tenant);
  }

  async #resolve(tenant: TenantId, skill: string, now: Millis): Promise<void> {
    const write = function* (): Write<void> {
      yield {
        sql: `UPDATE metricast_skill_anomaly SET resolved_at = $1
              WHERE tenant_id = $2 AND skill_name = $3 AND resolved_at IS NULL`,
        values: [now, tenant, skill],
      };
    };
    await this.queue.write(1, write, tenant);
  }
}
