import type { BenchContext } from '../harness/bench.js';
import { median } from '../harness/statistics.js';
import type { Peer, PeerKind } from '../peers/peer.js';
import { type Plan, type Visit, type WaveCost, micros, visit } from './visit.js';

/** A first visit finds code that was never run. */
const FIRST_WARM_UP_SECONDS = 1.5;

/** Several peers that have their turns, round by round, and what came out. */
export class Rounds {
  readonly #visits = new Map<PeerKind, Visit[]>();
  /** Peers that are not here, and why. */
  readonly skipped: string[] = [];

  private constructor(readonly plan: Plan) {}

  static async run(
    context: BenchContext,
    title: string,
    kinds: readonly PeerKind[],
    rounds: number,
    plan: Plan,
  ): Promise<Rounds> {
    const all = new Rounds(plan);
    const peers = new Map<PeerKind, Peer>();
    try {
      for (const kind of kinds) {
        const started = await kind.start(context);
        if ('skipped' in started) all.skipped.push(`${kind.name} was left out: ${started.skipped}.`);
        else peers.set(kind, started);
      }
      for (let round = 1; round <= rounds; round++) {
        for (const [kind, peer] of peers) await all.#visit(context, kind, peer, round === rounds);
        context.say(`${title}, round ${round} of ${rounds}: ${all.#latest()}`);
      }
    } finally {
      for (const peer of peers.values()) await peer.server.stop();
    }
    return all;
  }

  /** Those that were here. */
  get kinds(): readonly PeerKind[] {
    return [...this.#visits.keys()];
  }

  /** By the names of the peers. */
  get figures(): Readonly<Record<string, readonly Visit[]>> {
    return Object.fromEntries([...this.#visits].map(([{ name }, visits]) => [name, visits]));
  }

  /** The median of a figure; NaN where the peer was not here. */
  median(kind: PeerKind, pick: (visit: Visit) => number): number {
    return median((this.#visits.get(kind) ?? []).map(pick));
  }

  /** The median of one peer's figure divided by another's of the same round; NaN where one was not here. */
  ratio(
    [kind, pick]: readonly [PeerKind, (visit: Visit) => number],
    [other, pickOther]: readonly [PeerKind, (visit: Visit) => number],
  ): number {
    const others = this.#visits.get(other) ?? [];
    const visits = this.#visits.get(kind) ?? [];
    return median(others.length === 0 ? [] : visits.map((visit, round) => pick(visit) / pickOther(others[round]!)));
  }

  /** User time for each delivery in microseconds: of all rounds together, because one has too little of it. */
  userMicros(kind: PeerKind, size: number): number {
    const waves = (this.#visits.get(kind) ?? []).map((visit) => visit.waves[size]!);
    const sum = (pick: (wave: WaveCost) => number) => waves.reduce((total, wave) => total + pick(wave), 0);
    return (sum(({ user }) => user) / sum(({ deliveries }) => deliveries)) * 1e6;
  }

  /** The busiest that the load generator was with a peer. */
  generatorBusy(kind: PeerKind): number {
    const visits = this.#visits.get(kind) ?? [];
    return Math.max(
      ...visits.flatMap(({ waves, paced }) => [
        ...Object.values(waves).map(({ generatorBusy }) => generatorBusy),
        paced?.busy ?? 0,
      ]),
    );
  }

  async #visit(context: BenchContext, kind: PeerKind, peer: Peer, isLast: boolean): Promise<void> {
    const visits = this.#visits.get(kind) ?? [];
    this.#visits.set(kind, visits);
    const warmUpSeconds =
      visits.length === 0 ? Math.min(FIRST_WARM_UP_SECONDS, this.plan.seconds) : this.plan.warmUpSeconds;
    const profileName = isLast && kind.name.startsWith('Metricast') ? profileNameOf(kind) : undefined;
    try {
      visits.push(await visit(context, peer, { ...this.plan, warmUpSeconds }, { profileName }));
    } catch (error) {
      throw new Error(`${kind.name}: ${(error as Error).message}`, { cause: error });
    }
  }

  #latest(): string {
    return [...this.#visits]
      .map(([{ name }, visits]) => {
        const costs = Object.values(visits.at(-1)!.waves).map((wave) => micros(wave).toFixed(2));
        return `${name} ${costs.join(' · ')}`;
      })
      .join(', ');
  }
}

function profileNameOf({ name }: PeerKind): string {
  return name.toLowerCase().replaceAll(/[^a-z]+/g, '-');
}
