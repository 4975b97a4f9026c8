import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { JwtService } from '@nestjs/jwt';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { AppModule } from '../../src/app.module.js';
import type { MetricastOptions } from '../../src/index.js';

export type Platform = 'express' | 'fastify';

/** A secret that is long enough, for servers that want tokens. */
export const SECRET = 'a secret of the tests, 32 bytes or more';

/** A signed token; claims of its own replace the defaults, `undefined` takes one away. */
export function tokenWith(claims: Record<string, unknown> = {}, secret = SECRET): string {
  const all = { sub: 'ada', tenant_id: 'acme', roles: ['viewer', 'ingest'], exp: secondsFromNow(60), ...claims };
  return new JwtService({ secret }).sign(
    Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)),
  );
}

export function secondsFromNow(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds;
}

/** The standalone server in this process, on a free port of loopback, with a database file of its own. */
export class TestApp {
  private constructor(
    readonly app: INestApplication,
    readonly port: number,
    private readonly directory: string,
  ) {}

  static async start(options: MetricastOptions = {}, platform: Platform = 'express'): Promise<TestApp> {
    const directory = mkdtempSync(join(tmpdir(), 'metricast-test-'));
    const module = AppModule.with({ database: `sqlite:${join(directory, 'test.db')}`, ...options });
    const settings = { logger: ['fatal' as const], abortOnError: false };
    const app =
      platform === 'express'
        ? await NestFactory.create(module, settings)
        : await NestFactory.create(module, new FastifyAdapter(), settings);
    await app.listen(0, '127.0.0.1');
    const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
    return new TestApp(app, port, directory);
  }

  /** The address of a path: of a WebSocket for `ws`. */
  url(path: string, scheme: 'http' | 'ws' = 'http'): string {
    return `${scheme}://127.0.0.1:${this.port}${path}`;
  }

  /** Posts JSON; a string or a buffer as it stands. */
  async post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const raw = typeof body === 'string' || body instanceof Uint8Array;
    const response = await fetch(this.url(path), {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: raw ? (body as string) : JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: JSON.parse(text || '{}') as Answer['body'] };
  }

  async close(): Promise<void> {
    await this.app.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The JSON of it, of whatever shape. */
  readonly body: Record<string, unknown>;
}
