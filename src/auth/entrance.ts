import { Injectable } from '@nestjs/common';
import { FailedAttempts } from '../limits/index.js';
import { MetricastError, type Principal } from '../protocol/index.js';
import { Authenticator, type Credentials } from './authenticator.js';

/** Where those come in who come from afar: checks who they are, and no more so once too many from one address have failed. */
@Injectable()
export class Entrance {
  constructor(
    private readonly authenticator: Authenticator,
    private readonly failures: FailedAttempts,
  ) {}

  /** @throws {@link MetricastError} `rate_limited` where nobody from this address is heard for now. */
  requireOpen(address: string): void {
    this.failures.requireFew(address);
  }

  /** Resolves when the token can be checked: {@link Authenticator.seekKey}. */
  seekKey(token: string | undefined): Promise<void> | undefined {
    return this.authenticator.seekKey(token);
  }

  /** @throws {@link MetricastError} `rate_limited`, without a look at the token; what {@link Authenticator} throws. */
  admit(address: string, credentials: Credentials): Principal {
    this.requireOpen(address);
    try {
      return this.authenticator.authenticate(credentials);
    } catch (error) {
      if (error instanceof MetricastError && error.code === 'unauthenticated') this.failures.note(address);
      throw error;
    }
  }

  /** Notes that nobody has said who they are, where they had to. */
  noteFailure(address: string): void {
    this.failures.note(address);
  }
}
