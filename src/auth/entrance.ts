import { Injectable } from '@nestjs/common';
import { FailedAttempts } from '../limits/index.js';
import { MetricastError, type Principal } from '../protocol/index.js';
import { Authenticator, type Credentials } from './authenticator.js';
import { EndedTokenError } from './token-claims.js';

/** How many may wait for a key at once. */
const MAX_WAITING = 500;

/**
 * Where those come in who come from afar: checks who they are, and counts wrong tokens by where they come from. Whoever
 * brings a good one is let in in any case: others may share the address, and a page may send what it likes from there.
 */
@Injectable()
export class Entrance {
  #waiting = 0;

  constructor(
    private readonly authenticator: Authenticator,
    private readonly failures: FailedAttempts,
  ) {}

  /**
   * Resolves when the token can be checked: {@link Authenticator.seekKey}. Where too many wait for that already, it is
   * checked at once, by the keys that are there.
   */
  seekKey(token: string | undefined): Promise<void> | undefined {
    const seeking = this.#waiting < MAX_WAITING ? this.authenticator.seekKey(token) : undefined;
    if (!seeking) return undefined;
    this.#waiting++;
    return seeking.finally(() => this.#waiting--);
  }

  /** @throws {@link MetricastError} what {@link Authenticator} throws; `rate_limited` for a wrong token after too many. */
  admit(address: string, credentials: Credentials): Principal {
    return this.#counting(address, () => this.authenticator.authenticate(credentials));
  }

  /** @throws {@link MetricastError} as {@link admit}. */
  renew(address: string, principal: Principal, token: string): Principal {
    return this.#counting(address, () => this.authenticator.renew(principal, token));
  }

  #counting(address: string, authenticate: () => Principal): Principal {
    try {
      return authenticate();
    } catch (error) {
      if (isOfWrongToken(error)) {
        this.failures.requireFew(address);
        this.failures.note(address);
      }
      throw error;
    }
  }
}

/** Not of one that is missing, has ended or was taken back: who sends those guesses nothing. */
function isOfWrongToken(error: unknown): boolean {
  if (!(error instanceof MetricastError) || error.code !== 'unauthenticated') return false;
  return error.cause !== undefined && !(error.cause instanceof EndedTokenError);
}
