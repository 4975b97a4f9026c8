import { setImmediate } from 'node:timers/promises';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { IsNull, MoreThan, Repository } from 'typeorm';
import { Scheduler } from '../../metrics/index.js';
import type { Millis, TenantId } from '../../protocol/index.js';
import { DATA_SOURCE, WriteQueue } from '../../store/index.js';
import { type AnomalyThresholds, anomalyStep, deviationScore } from './deviation.js';
import { SkillAnomaly } from './skill-anomaly.entity.js';
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

/** Finds skills whose completion in the last hour is far from that of the day before, and keeps their anomalies. */
@Injectable()
export class AnomalyDetector implements OnApplicationBootstrap, OnModuleDestroy {
  /** The skills to look at, by tenant. */
  readonly #marked = new Map<TenantId, Set<string>>();
  #isSweeping = false;
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
    this.scheduler.every(LOOK_JOB, LOOK_INTERVAL, () => this.#lookAtAll());
    this.scheduler.every(SWEEP_JOB, SWEEP_INTERVAL, () => this.#sweep());
  }

  onModuleDestroy(): void {
    this.#isStopped = true;
    this.scheduler.cancel(LOOK_JOB);
    this.scheduler.cancel(SWEEP_JOB);
  }

  /** Notes that these skills ran. */
  mark(tenant: TenantId, skills: Iterable<string>): void {
    let marked = this.#marked.get(tenant);
    if (!marked) this.#marked.set(tenant, (marked = new Set<string>()));
    for (const skill of skills) marked.add(skill);
  }

  /** Looks at the tenant's marked skills now; at so many of them at most. */
  async look(tenant: TenantId, most = Infinity): Promise<void> {
    const marked = this.#marked.get(tenant);
    if (!marked) return;
    this.#marked.delete(tenant);
    try {
      for (const skill of [...marked].slice(0, most)) {
        await this.#lookAt(tenant, skill);
        marked.delete(skill);
      }
    } finally {
      if (marked.size > 0) this.mark(tenant, marked);
    }
  }

  async #lookAtAll(): Promise<void> {
    for (const tenant of [...this.#marked.keys()]) await this.look(tenant);
  }

  /** Looks at every skill whose windows hold something. */
  async #sweep(): Promise<void> {
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    try {
      const recent = await this.skills.find({
        select: { tenantId: true, skillName: true },
        where: { lastRunAt: MoreThan(Date.now() - DAY) },
      });
      for (const { tenantId, skillName } of recent) await this.#lookAt(tenantId as TenantId, skillName);
    } finally {
      this.#isSweeping = false;
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
    await this.queue.write(1, function* () {
      yield {
        into: 'metricast_skill_anomaly',
        columns: ['tenant_id', 'skill_name', 'anomaly_type', 'deviation_score', 'detected_at'],
        rows: [[tenant, skill, score < 0 ? 'drop' : 'spike', score, now]],
        // Another instance may have seen it too: there is one open anomaly a skill.
        onConflict: 'ON CONFLICT DO NOTHING',
      };
    });
  }

  async #resolve(tenant: TenantId, skill: string, now: Millis): Promise<void> {
    await this.queue.write(1, function* () {
      yield {
        sql: `UPDATE metricast_skill_anomaly SET resolved_at = $1
              WHERE tenant_id = $2 AND skill_name = $3 AND resolved_at IS NULL`,
        values: [now, tenant, skill],
      };
    });
  }
}
