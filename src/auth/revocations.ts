import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { MoreThan, Repository } from 'typeorm';
import { type FieldError, MetricastError, type Millis, type Principal, type TenantId } from '../protocol/index.js';
import { Renewal, Scheduler } from '../scheduler/index.js';
import { DATA_SOURCE, type Write, WriteQueue, auditOf } from '../store/index.js';
import { MAX_IN_A_TENANT, type Revocation, RevocationList, standsForThoseUntil } from './revocation-list.js';
import { StoredRevocation } from './revocation.entity.js';

const DROP_JOB = 'metricast:revocations:drop';
const HOUR: Millis = 3_600_000;
/** How long they are kept: no token should live longer. */
const KEPT: Millis = 400 * 24 * HOUR;

/** Told of what is revoked from now on. */
export type RevocationListener = (revocations: readonly Revocation[]) => void;

/** Keeps what is revoked, in the database and in memory, whichever instance has revoked it. */
@Injectable()
export class Revocations implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #listeners: RevocationListener[] = [];
  readonly #renewal: Renewal;

  constructor(
    @InjectRepository(StoredRevocation, DATA_SOURCE) private readonly stored: Repository<StoredRevocation>,
    private readonly queue: WriteQueue,
    private readonly scheduler: Scheduler,
    private readonly list: RevocationList,
  ) {
    const logger = new Logger(Revocations.name);
    this.#renewal = new Renewal('revocations', scheduler, logger, (since) => this.#readSince(since));
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.#renewal.begin();
    this.scheduler.every(DROP_JOB, HOUR, () => this.drop());
  }

  onModuleDestroy(): void {
    this.#renewal.end();
    this.scheduler.cancel(DROP_JOB);
  }

  /** Calls the listener with what is revoked, whichever instance it was revoked on. */
  onRevocation(listener: RevocationListener): void {
    this.#listeners.push(listener);
  }

  /**
   * Revokes, in a tenant or in all of them. Acts on this instance once it is committed.
   *
   * @throws {@link MetricastError} `bad_request` where too many are revoked in the tenant one by one.
   */
  async revoke(what: Omit<Revocation, 'revokedAt'>, by: Principal): Promise<void> {
    if (!this.list.hasRoomFor(what)) throw new MetricastError('bad_request', { errors: [tooMany(what)] });
    const revocation: Revocation = { ...what, revokedAt: Date.now() };
    await this.queue.write(2, () => revocationOf(revocation, by), what.tenant ?? undefined);
    this.#take([revocation]);
  }

  /** Looks for what other instances have revoked. */
  renew(): Promise<void> {
    return this.#renewal.renew();
  }

  /** Lets those go that are older than any token. */
  async drop(): Promise<void> {
    const before = Date.now() - KEPT;
    this.list.forget(before);
    await this.queue.write(1, function* () {
      yield { sql: 'DELETE FROM metricast_revocation WHERE revoked_at < $1', values: [before] };
    });
  }

  async #readSince(since: Millis): Promise<void> {
    const rows = await this.stored.findBy({ revokedAt: MoreThan(since) });
    this.#take(
      rows.map(({ kind, value, tenantId, revokedAt }) => ({
        kind,
        value,
        tenant: tenantId === '' ? null : (tenantId as TenantId),
        revokedAt,
      })),
    );
  }

  #take(revocations: readonly Revocation[]): void {
    const unknown = revocations.filter((revocation) => this.list.add(revocation));
    if (unknown.length === 0) return;
    for (const listener of this.#listeners) listener(unknown);
  }
}

/** What was revoked before stays so where the clock of this instance is behind. */
const KEEP_THE_LATER = `ON CONFLICT (kind, value, tenant_id) DO UPDATE SET revoked_at = CASE
  WHEN excluded.revoked_at > metricast_revocation.revoked_at THEN excluded.revoked_at
  ELSE metricast_revocation.revoked_at END`;

function tooMany({ kind }: Pick<Revocation, 'kind'>): FieldError {
  const message = `at most ${MAX_IN_A_TENANT} are revoked in a tenant one by one: revoke all tokens of the tenant instead`;
  return { field: kind, message };
}

function* revocationOf(revocation: Revocation, { subject }: Principal): Write<void> {
  const { kind, value, tenant, revokedAt } = revocation;
  yield {
    into: 'metricast_revocation',
    columns: ['kind', 'value', 'tenant_id', 'revoked_at'],
    rows: [[kind, value, tenant ?? '', revokedAt]],
    onConflict: KEEP_THE_LATER,
  };
  if (kind === 'tenant') {
    yield {
      sql: `DELETE FROM metricast_revocation WHERE tenant_id = $1 AND kind IN ('jti', 'sub') AND revoked_at <= $2`,
      values: [value, standsForThoseUntil(revocation)],
    };
  }
  const after = kind === 'tenant' ? { tenant_id: value } : { [kind]: value, tenant_id: tenant };
  const change = { actor: subject, tenant: tenant ?? undefined, action: 'token.revoke', before: null, after };
  yield auditOf(change, revokedAt);
}
