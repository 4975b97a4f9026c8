import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { SeededRandom } from './seeded-random.js';

export const SKILLS = ['build', 'lint', 'test', 'release'];

/** Items that were sent in one request, each with an id of its own. */
export interface Batch {
  readonly path: '/ingest/metrics' | '/ingest/skills';
  readonly items: readonly { readonly id: string }[];
}

/** What was sent to a server, and what of it the server has answered for: each time it does, `acknowledged` is emitted. */
export class Ledger extends EventEmitter {
  readonly acknowledged: Batch[] = [];
  /** Sent without an answer: stored or not, but as a whole. */
  readonly unanswered: Batch[] = [];

  get all(): Batch[] {
    return [...this.acknowledged, ...this.unanswered];
  }

  /** Sends batch after batch, each when the one before is answered, until the server answers no more. */
  async write(url: (path: string) => string, random: SeededRandom): Promise<void> {
    for (;;) {
      const batch = random.below(2) === 0 ? metrics(random) : runs(random);
      const isAnswered = await send(url, batch);
      if (!isAnswered) {
        this.unanswered.push(batch);
        return;
      }
      this.acknowledged.push(batch);
      this.emit('acknowledged');
    }
  }
}

/** Resolves with whether the server took it. */
export async function send(url: (path: string) => string, { path, items }: Batch): Promise<boolean> {
  try {
    const response = await fetch(url(path), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(items),
    });
    // What counts is the status: it comes first, and the rest may be cut off.
    await response.arrayBuffer().catch(() => undefined);
    return response.status === 202;
  } catch {
    return false;
  }
}

function metrics(random: SeededRandom): Batch {
  return batchOf('/ingest/metrics', random, (id) => ({
    id,
    channel: `c${random.below(3)}.metrics`,
    // A series for each value shows which one is there.
    name: id,
    type: 'gauge',
    value: random.below(1000),
  }));
}

function runs(random: SeededRandom): Batch {
  return batchOf('/ingest/skills', random, (id) => ({
    id,
    skill_name: SKILLS[random.below(SKILLS.length)],
    completed: random.below(4) > 0,
    duration_seconds: random.below(100),
    session_id: id,
    timestamp: Date.now() / 1000 - random.below(3600),
  }));
}

function batchOf(path: Batch['path'], random: SeededRandom, item: (id: string) => Batch['items'][number]): Batch {
  return { path, items: Array.from({ length: 1 + random.below(100) }, () => item(randomUUID())) };
}
