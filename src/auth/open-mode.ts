import type { Server } from 'node:http';
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { isLoopback } from './local-request.js';
import { TokenVerifier } from './token-verifier.js';

/** The server would be reachable by others, and has no key to check their tokens with. */
export class MissingKeyError extends Error {
  override readonly name = 'MissingKeyError';

  constructor(why: string) {
    super(`JWT_SECRET_KEY (option auth.secret) is missing: ${why}. Without a key, only a server on 127.0.0.1 starts.`);
  }
}

/**
 * Without a key, a server that only its own machine can reach takes everyone for one local user: nothing to configure
 * for a first look. A server that others can reach is never open, and does not start without a key.
 */
@Injectable()
export class OpenMode implements OnModuleInit {
  readonly #logger = new Logger(OpenMode.name);
  #isOpen = false;

  constructor(
    private readonly verifier: TokenVerifier,
    private readonly host: HttpAdapterHost,
  ) {}

  get isOpen(): boolean {
    return this.#isOpen;
  }

  onModuleInit(): void {
    if (this.verifier.hasKey) return;
    if (process.env['NODE_ENV'] === 'production') throw new MissingKeyError('NODE_ENV is production');
    // Only a server that listens knows where.
    const server = this.host.httpAdapter?.getHttpServer() as Server | undefined;
    server?.prependListener('listening', () => this.#onListening(server));
  }

  #onListening(server: Server): void {
    const address = server.address();
    const bound = typeof address === 'string' ? 'a local socket' : (address?.address ?? 'nothing');
    // Whoever may write to a socket of the file system need not be on this machine: it may be a proxy's.
    this.#isOpen = isLoopback(bound);
    if (this.#isOpen) {
      this.#logger.log(`Open mode: no token needed on ${bound}`);
      return;
    }
    // What waits for `listen` hears of it as it would of a port in use. It closes a moment later, for other listeners of
    // this event ask where the server listens; no client can have come in by then.
    process.nextTick(() => server.close());
    server.emit('error', new MissingKeyError(`the server listens on ${bound}, where others can reach it`));
  }
}
