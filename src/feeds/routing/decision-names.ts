import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { TenantId } from '../../protocol/index.js';
import type { Row, Write } from '../../store/index.js';
import type { Dimension } from './decision-bucket.entity.js';

/** Strategies of a tenant that are counted under their own names, and as many providers. */
const MAX_NAMES = 100;
/** What all others are counted under. A tenant that uses this name itself shares it with them. */
const OTHER = 'other';

/** In the order in which all writers insert. */
const DIMENSIONS = ['provider', 'strategy'] as const satisfies readonly Dimension[];

/** Characters of the names that are kept in memory: those of the tenants that decided lately. */
const CACHED_CHARACTERS = 32 * 1024 * 1024;
/** What an entry takes beside its names, and a name beside its characters. */
const ENTRY_OVERHEAD = 500;
const NAME_OVERHEAD = 100;

type Named = Readonly<Record<Dimension, string>>;
type Names = Readonly<Record<Dimension, ReadonlySet<string>>>;

/**
 * Says under which names decisions are counted: of a tenant's strategies the first 100 under their own, and of its
 * providers; whatever comes after, under `other`. So the state stays small, however many names there are. They are the
 * first for good, after a restart too, and for all instances: the writes of one tenant go one after another.
 */
@Injectable()
export class DecisionNames {
  readonly #names = new LRUCache<TenantId, Names>({
    maxSize: CACHED_CHARACTERS,
    sizeCalculation: (names) => DIMENSIONS.reduce((size, one) => size + sizeOf(names[one]), ENTRY_OVERHEAD),
  });

  /**
   * The decisions by the names that they are counted under, of which the new ones are stored. Comes with what remembers
   * the names: to be called once they are committed, because a rollback takes the new ones away.
   */
  *settle<T extends Named>(
    tenant: TenantId,
    decisions: readonly T[],
  ): Write<{ readonly counted: readonly T[]; readonly remember: () => void }> {
    const known = this.#names.get(tenant);
    const isEnough = known && DIMENSIONS.every((one) => newcomers(known[one], decisions, one).length === 0);
    const names = isEnough ? known : yield* namesWith(tenant, decisions);
    const nameOf = (dimension: Dimension, name: string) => (names[dimension].has(name) ? name : OTHER);
    return {
      counted: decisions.map((one) => ({
        ...one,
        strategy: nameOf('strategy', one.strategy),
        provider: nameOf('provider', one.provider),
      })),
      remember: () => {
        if (names !== known) this.#names.set(tenant, names);
      },
    };
  }
}

/** The names that are stored, and those of the decisions that fit beside them, which are stored too. */
function* namesWith(tenant: TenantId, decisions: readonly Named[]): Write<Names> {
  const rows = yield {
    sql: 'SELECT dimension, name FROM metricast_decision_name WHERE tenant_id = $1',
    values: [tenant],
  };
  const stored: Names = { provider: namesIn(rows, 'provider'), strategy: namesIn(rows, 'strategy') };
  const added = {
    provider: newcomers(stored.provider, decisions, 'provider'),
    strategy: newcomers(stored.strategy, decisions, 'strategy'),
  };
  const insertions = DIMENSIONS.flatMap((one) => added[one].toSorted().map((name) => [tenant, one, name]));
  if (insertions.length > 0) {
    yield {
      into: 'metricast_decision_name',
      columns: ['tenant_id', 'dimension', 'name'],
      rows: insertions,
      onConflict: 'ON CONFLICT DO NOTHING',
    };
  }
  return {
    provider: new Set([...stored.provider, ...added.provider]),
    strategy: new Set([...stored.strategy, ...added.strategy]),
  };
}

function namesIn(rows: readonly Row[], dimension: Dimension): ReadonlySet<string> {
  return new Set(rows.filter((row) => row['dimension'] === dimension).map((row) => row['name'] as string));
}

/** The names of the decisions that are not among the known ones and still fit beside them, as they come. */
function newcomers(known: ReadonlySet<string>, decisions: readonly Named[], dimension: Dimension): string[] {
  const added = new Set<string>();
  for (const { [dimension]: name } of decisions) {
    if (known.size + added.size >= MAX_NAMES) break;
    if (name !== OTHER && !known.has(name)) added.add(name);
  }
  return [...added];
}

function sizeOf(names: ReadonlySet<string>): number {
  return [...names].reduce((size, name) => size + name.length + NAME_OVERHEAD, 0);
}
