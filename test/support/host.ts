import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type INestApplication, Module, type ModuleMetadata, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { MetricastModule, type MetricastOptions } from 'nestjs-metricast';
import { type Platform } from './app.js';

/** What `NestFactory` is told in tests: a failed start is for the test to see, and for nobody else. */
export const QUIET = { logger: ['fatal' as const], abortOnError: false };

/** A directory that goes with the test. */
export class Scratch {
  readonly directory = mkdtempSync(join(tmpdir(), 'metricast-test-'));

  file(name: string): string {
    return join(this.directory, name);
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** The module of a host: Metricast, on a database in memory, and whatever the host has beside it. */
export function hostModule(metadata: ModuleMetadata = {}, options: MetricastOptions = {}): Type<object> {
  const metricast = MetricastModule.forRoot({ database: 'sqlite::memory:', ...options });

  @Module({ ...metadata, imports: [...(metadata.imports ?? []), metricast] })
  class HostModule {}

  return HostModule;
}

export function createHost(platform: Platform, module: Type<object>): Promise<INestApplication> {
  return platform === 'express'
    ? NestFactory.create(module, QUIET)
    : NestFactory.create(module, new FastifyAdapter(), QUIET);
}

/** Somebody's application on a free port of loopback. */
export class RunningHost {
  private constructor(
    readonly app: INestApplication,
    readonly port: number,
  ) {}

  static async listen(app: INestApplication): Promise<RunningHost> {
    await app.listen(0, '127.0.0.1');
    return new RunningHost(app, ((app.getHttpServer() as { address(): unknown }).address() as AddressInfo).port);
  }

  url(path: string, scheme: 'http' | 'ws' = 'http'): string {
    return `${scheme}://127.0.0.1:${this.port}${path}`;
  }

  async get(path: string, headers: Record<string, string> = {}): Promise<[status: number, body: unknown]> {
    return answerOf(await fetch(this.url(path), { headers }));
  }

  /** Posts the value as JSON, or a text that is JSON already. */
  async post(
    path: string,
    body: unknown,
    headers: Record<string, string> = {},
  ): Promise<[status: number, body: unknown]> {
    return answerOf(
      await fetch(this.url(path), {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    );
  }

  close(): Promise<void> {
    return this.app.close();
  }
}

async function answerOf(response: Response): Promise<[status: number, body: unknown]> {
  const text = await response.text();
  return [response.status, text === '' ? undefined : (JSON.parse(text) as unknown)];
}
