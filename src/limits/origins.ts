import { MetricastError, type TenantId, parseOrigin } from '../protocol/index.js';

/** Any origin. */
const ANY = '*';

/** An entry of a list of origins: `*`, or an origin as a browser would write it; `undefined` for what is neither. */
export function parseAllowedOrigin(value: unknown): string | undefined {
  return value === ANY ? ANY : parseOrigin(value);
}

/** Which web pages may use this server from within a browser, by the origin that the browser says they are of. */
export class Origins {
  readonly #allowed: ReadonlySet<string>;

  /**
   * @param allowed empty: any.
   * @param allowedBy those to which a tenant limits it further; empty: it does not.
   */
  constructor(
    allowed: readonly string[],
    private readonly allowedBy: (tenant: TenantId) => readonly string[],
  ) {
    this.#allowed = new Set(allowed.map((one) => parseAllowedOrigin(one)!));
  }

  /** False where nobody has said which are allowed: then all are. */
  get areListed(): boolean {
    return this.#allowed.size > 0;
  }

  /** @throws {@link MetricastError} `foreign_origin` for another page. Whatever says no origin is no page in a browser. */
  require(origin: string | undefined): void {
    if (origin === undefined || !this.areListed || isIn(this.#allowed, origin)) return;
    throw new MetricastError('foreign_origin');
  }

  /** Whether this tenant wants to be used from this page. */
  allowFor(tenant: TenantId, origin: string | undefined): boolean {
    if (origin === undefined) return true;
    const allowed = this.allowedBy(tenant);
    return allowed.length === 0 || isIn(new Set(allowed), origin);
  }

  /** @throws {@link MetricastError} `foreign_origin` for a page that this tenant does not want to be used from. */
  requireFor(tenant: TenantId, origin: string | undefined): void {
    if (!this.allowFor(tenant, origin)) throw new MetricastError('foreign_origin');
  }
}

/** A page without an origin of its own says `null`, which is none that could be listed. */
function isIn(allowed: ReadonlySet<string>, origin: string): boolean {
  return allowed.has(ANY) || allowed.has(parseOrigin(origin) ?? '');
}
