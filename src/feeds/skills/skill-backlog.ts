import type { TenantId } from '../../protocol/index.js';

/** Skills that wait to be looked at, by tenant: those of one tenant in the order in which they came. */
export class SkillBacklog {
  readonly #waiting = new Map<TenantId, Set<string>>();
  #isInTurn = false;

  /** @param most how many skills of a tenant can wait; what comes beyond that is not kept. */
  constructor(private readonly most = Infinity) {}

  add(tenant: TenantId, skills: Iterable<string>): void {
    let waiting = this.#waiting.get(tenant);
    if (!waiting) this.#waiting.set(tenant, (waiting = new Set()));
    for (const skill of skills) if (waiting.size < this.most) waiting.add(skill);
    if (waiting.size === 0) this.#waiting.delete(tenant);
  }

  /** Takes the skills away that have waited longest, so many of them at most. */
  take(tenant: TenantId, most: number): string[] {
    const waiting = this.#waiting.get(tenant);
    if (!waiting) return [];
    const taken = [...waiting].slice(0, most);
    for (const skill of taken) waiting.delete(skill);
    if (waiting.size === 0) this.#waiting.delete(tenant);
    return taken;
  }

  /** Gives each tenant that waits one turn, one after another. Does nothing while an earlier round is under way. */
  async inTurn(turn: (tenant: TenantId) => Promise<void>): Promise<void> {
    if (this.#isInTurn) return;
    this.#isInTurn = true;
    try {
      for (const tenant of [...this.#waiting.keys()]) await turn(tenant);
    } finally {
      this.#isInTurn = false;
    }
  }
}
