import type { Server } from 'node:http';
import { isIP } from 'node:net';
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { TokenVerifier } from './token-verifier.js';

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
    if (process.env['NODE_ENV'] === 'production') throw new Error(missingKey('NODE_ENV is production'));
    // Only a server that listens knows where.
    const server = this.host.httpAdapter?.getHttpServer() as Server | undefined;
    server?.prependListener('listening', () => this.#onListening(server));
  }

  #onListening(server: Server): void {
    const address = server.address();
    const bound = typeof address === 'string' ? 'a local socket' : (address?.address ?? 'nothing');
    this.#isOpen = typeof address === 'string' || isLoopback(bound);
    if (this.#isOpen) {
      this.#logger.log(`Open mode: no token needed on ${bound}`);
      return;
    }
    // What waits for `listen` hears of it as it would of a port in use.
    server.close();
    server.emit('error', new Error(missingKey(`the server listens on ${bound}, where others can reach it`)));
  }
}

function missingKey(why: string): string {
  return `JWT_SECRET_KEY (option auth.secret) is missing: ${why}. Without a key, only a server on 127.0.0.1 starts.`;
}

/** True for 127.0.0.0/8 and ::1. */
export function isLoopback(address: string): boolean {
  return address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
}
