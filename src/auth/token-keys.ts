import { type KeyObject, createPublicKey, createSecretKey } from 'node:crypto';
import { Inject, Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { Scheduler } from '../scheduler/index.js';
import { MetricastError } from '../protocol/index.js';
import { isSymmetric } from './algorithms.js';
import { AUTH_OPTIONS, type AuthOptions } from './auth.options.js';
import { type KeySet, KeySetError, isUrl, loadKeySet } from './key-set.js';

const JOB = 'metricast:keys:renew';
const RENEW_MILLIS = 600_000;
/** Between two looks for a key that is not there: anybody can name one. */
const ASK_AGAIN_MILLIS = 30_000;

/** The file with the keys cannot be read: no token could be checked. */
export class KeysUnreadableError extends Error {
  override readonly name = 'KeysUnreadableError';

  constructor(readonly reason: string) {
    super(`Metricast option auth.jwks: it cannot be read: ${reason}`);
  }
}

/** The keys that are configured: one, or a set, which is read again from time to time. */
@Injectable()
export class TokenKeys implements OnModuleInit, OnModuleDestroy {
  readonly #logger = new Logger(TokenKeys.name);
  /** Made once: a text would be read anew for each token, which takes longer than all the rest of opening a connection. */
  readonly #only: KeyObject | undefined;
  #set: KeySet = new Map();
  #loading: Promise<void> | undefined;
  #askedAt = -Infinity;
  /** When the set was last read; that it could not be read since takes this back. */
  #loadedAt = -Infinity;
  /** What the log was told last that is wrong with the set. */
  #problem: string | undefined;

  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: AuthOptions,
    private readonly scheduler: Scheduler,
  ) {
    const { secret, publicKey, algorithm = 'HS256' } = options;
    if (!isSymmetric(algorithm)) this.#only = publicKey === undefined ? undefined : createPublicKey(publicKey);
    else this.#only = secret === undefined ? undefined : createSecretKey(secret, 'utf8');
  }

  /** False where no key is configured: then no token can be valid. */
  get areConfigured(): boolean {
    return this.#only !== undefined || this.options.jwks !== undefined;
  }

  /** @throws {@link KeysUnreadableError} for a file; a server whose keys are elsewhere starts, and takes no token until it has them. */
  async onModuleInit(): Promise<void> {
    const { jwks, audience } = this.options;
    if (jwks === undefined) return;
    if (audience === undefined) {
      this.#logger.warn(
        'JWT_JWKS (option auth.jwks) without JWT_AUDIENCE (auth.audience): every token of that issuer is taken, whatever it is for',
      );
    }
    await this.#load(jwks, !isUrl(jwks));
    this.scheduler.every(JOB, RENEW_MILLIS, () => this.#renew(jwks));
  }

  onModuleDestroy(): void {
    this.scheduler.cancel(JOB);
  }

  /** The key to check a token with whose header has this `kid`: it is compared with those of the set, and used for nothing else. */
  find(kid: unknown): KeyObject | undefined {
    return this.#only ?? (typeof kid === 'string' ? this.#set.get(kid) : undefined);
  }

  /** Resolves when a key that is not in the set has been looked for; `undefined` where there is nothing to wait for. */
  seek(kid: unknown): Promise<void> | undefined {
    const { jwks } = this.options;
    if (jwks === undefined || typeof kid !== 'string' || this.#set.has(kid)) return undefined;
    if (!this.#loading) {
      const now = performance.now();
      if (now - this.#askedAt < ASK_AGAIN_MILLIS) return undefined;
      this.#askedAt = now;
    }
    return this.#renew(jwks);
  }

  /**
   * Why there is no key with this `kid`. A set that was read a moment ago has all keys that there are: whoever names
   * another one made it up.
   *
   * @returns a {@link MetricastError} `keys_unavailable` where there may be one: the set could not be read the last time,
   * or is being read, and this token does not wait for it.
   */
  missing(kid: unknown): Error {
    const now = performance.now();
    const isRead = this.#loading === undefined && now - this.#loadedAt < ASK_AGAIN_MILLIS;
    if (this.options.jwks === undefined || typeof kid !== 'string' || isRead) return new Error('no such key');
    const left = this.#askedAt + ASK_AGAIN_MILLIS - now;
    return new MetricastError('keys_unavailable', { retryAfter: Math.max(1, Math.ceil(left / 1000)) });
  }

  #renew(location: string): Promise<void> {
    this.#loading ??= this.#load(location, false).finally(() => (this.#loading = undefined));
    return this.#loading;
  }

  /** Keeps the keys that it has where there are none to be had. */
  async #load(location: string, isNeeded: boolean): Promise<void> {
    try {
      const { algorithm = 'HS256' } = this.options;
      const set = await loadKeySet(location, algorithm);
      const problem = set.size > 0 ? undefined : `no key with a kid that can check ${algorithm}`;
      // In a file at the start that is a mistake. Later, and at a URL at any time, it is how all keys are taken back.
      if (isNeeded && problem !== undefined) throw new KeySetError(problem);
      this.#set = set;
      this.#loadedAt = performance.now();
      this.#tell(problem && `No token is taken: the key set has ${problem}`);
    } catch (error) {
      const reason = error instanceof KeySetError ? error.message : 'it cannot be understood';
      if (isNeeded) throw new KeysUnreadableError(reason);
      this.#loadedAt = -Infinity;
      this.#tell(`The keys of tokens cannot be read: ${reason}`);
    }
  }

  /** Logs what is wrong with the set, once for as long as it stays that; `undefined` where all is well. */
  #tell(problem: string | undefined): void {
    if (problem !== undefined && problem !== this.#problem) this.#logger.error(problem);
    this.#problem = problem;
  }
}
