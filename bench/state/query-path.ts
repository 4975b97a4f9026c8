import type { INestApplicationContext } from '@nestjs/common';
import { ALL_FEATURES, NO_FILTER, type TenantId } from '../../src/protocol/index.js';
import { median } from '../harness/statistics.js';
import type { Internals } from './internals.js';
import { SKILLS, TENANT } from './seed.js';

const tenant = TENANT as TenantId;

/** One thing that the server does with its skills; given a number that counts up. */
export interface Step {
  readonly what: string;
  run(index: number): Promise<unknown>;
}

/** What a tick may do, from nothing new to all skills just run. */
export function stepsOf(app: INestApplicationContext, { SkillsFeed, AnomalyDetector }: Internals): Step[] {
  const feed = app.get(SkillsFeed, { strict: false });
  const detector = app.get(AnomalyDetector, { strict: false });
  const collect = () => feed.collect({ tenant, filter: NO_FILTER, features: ALL_FEATURES, timestamp: Date.now() });
  return [
    { what: 'state of 10 skills', run: collect },
    {
      what: 'anomaly look at the skill that ran',
      run(index) {
        detector.mark(tenant, [SKILLS[index % SKILLS.length]!]);
        return detector.look(tenant);
      },
    },
    {
      what: 'state after all 10 ran, with their looks',
      run() {
        detector.mark(tenant, SKILLS);
        return collect();
      },
    },
  ];
}

/** CPU time of a step in each of several settings, in microseconds: blocks of one and the other in turn, medians. */
export async function cpuOf(steps: readonly Step[], blocks: number, calls: number): Promise<number[]> {
  const measured = steps.map((): number[] => []);
  for (let block = -1; block < blocks; block++) {
    for (const [setting, step] of steps.entries()) {
      const before = process.cpuUsage();
      for (let call = 0; call < calls; call++) await step.run(call);
      const { user, system } = process.cpuUsage(before);
      // The first block warms up.
      if (block >= 0) measured[setting]!.push((user + system) / calls);
    }
  }
  return measured.map(median);
}
