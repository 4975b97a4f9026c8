import type { INestApplicationContext } from '@nestjs/common';
import type { SkillInvocationInput } from '../../src/feeds/skills/index.js';
import type { Internals } from './internals.js';

export const TENANT = 'local';
export const SKILLS = Array.from({ length: 10 }, (_, index) => `skill-${index}`);

const DAY_MILLIS = 86_400_000;
const BATCH = 10_000;

/** Records runs by the server's own recorder, evenly over the last 24 hours and over the skills. */
export async function seed(app: INestApplicationContext, { SkillsRecorder }: Internals, count: number): Promise<void> {
  const recorder = app.get(SkillsRecorder, { strict: false });
  const begin = Date.now() - DAY_MILLIS;
  for (let start = 0; start < count; start += BATCH) {
    const runs = Array.from({ length: Math.min(BATCH, count - start) }, (_, offset) =>
      runAt(start + offset, begin + ((start + offset) * DAY_MILLIS) / count),
    );
    const { accepted } = await recorder.record(TENANT, runs);
    if (accepted !== runs.length) throw new Error('a run was rejected');
  }
}

function runAt(index: number, instant: number): SkillInvocationInput {
  // Two primes, so that neither completion nor duration follows the skill.
  return {
    skill_name: SKILLS[index % SKILLS.length]!,
    completed: (index * 7919) % 101 < 90,
    duration_seconds: ((index * 104_729) % 1000) / 100,
    session_id: `session-${index % 1000}`,
    timestamp: instant / 1000,
  };
}
