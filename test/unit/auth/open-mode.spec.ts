import { once } from 'node:events';
import { type Server, createServer } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type AuthOptions, MissingKeyError, OpenMode } from '../../../src/auth/index.js';
import { verifierWith } from '../../support/token-verifiers.js';

const KEY = { secret: 'a secret of the tests, 32 bytes or more' };

let server: Server;
beforeEach(() => {
  Logger.overrideLogger(false);
  server = createServer();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  if (!server.listening) return;
  server.close();
  await once(server, 'close');
});

function openMode(options: AuthOptions = {}): OpenMode {
  const host = { httpAdapter: { getHttpServer: () => server } } as HttpAdapterHost;
  const mode = new OpenMode(verifierWith(options), host);
  mode.onModuleInit();
  return mode;
}

/** Listens there; rejects with what a host that waits for it would hear. */
async function listen(where: { host: string }): Promise<void> {
  server.listen({ port: 0, ...where });
  await once(server, 'listening');
}

const hasIpv6 = Object.values(networkInterfaces()).some((all) => all!.some(({ address }) => address === '::1'));

describe('a server without a key', () => {
  test('is not open before it listens', () => expect(openMode().isOpen).toBe(false));

  test.each(['127.0.0.1', '127.8.8.8', 'localhost', ...(hasIpv6 ? ['::1'] : [])])('is open on %s', async (host) => {
    const mode = openMode();
    await listen({ host });
    expect(mode.isOpen).toBe(true);
  });

  test.each(['0.0.0.0', ...(hasIpv6 ? ['::', '::ffff:127.0.0.1'] : [])])(
    'does not stay on %s, where others can reach it, and says what is missing',
    async (host) => {
      const mode = openMode();
      const failed = once(server, 'error') as Promise<[Error]>;
      const closed = new Promise((resolve) => server.once('close', resolve));
      server.listen({ port: 0, host });
      const [error] = await failed;
      expect(error).toBeInstanceOf(MissingKeyError);
      expect(error.message).toMatch(/^JWT_SECRET_KEY \(option auth\.secret\) is missing: the server listens on /);
      await closed;
      expect(server.listening).toBe(false);
      expect(mode.isOpen).toBe(false);
    },
  );

  test('does not stay on a socket of the file system, behind which there may be a proxy', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'metricast-open-mode-'));
    const mode = openMode();
    const failed = once(server, 'error') as Promise<[Error]>;
    const closed = new Promise((resolve) => server.once('close', resolve));
    server.listen({ path: join(directory, 'socket') });
    expect((await failed)[0].message).toContain('the server listens on a local socket');
    await closed;
    expect(mode.isOpen).toBe(false);
    rmSync(directory, { recursive: true });
  });

  test('does not start in production, wherever it would listen', () => {
    vi.stubEnv('NODE_ENV', 'production');
    expect(() => openMode()).toThrow(/^JWT_SECRET_KEY .* is missing: NODE_ENV is production/);
  });

  test('without HTTP is not open', () => {
    const mode = new OpenMode(verifierWith({}), {} as HttpAdapterHost);
    mode.onModuleInit();
    expect(mode.isOpen).toBe(false);
  });
});

describe('a server with a key', () => {
  test.each(['127.0.0.1', '0.0.0.0'])('starts on %s, and is not open there', async (host) => {
    const mode = openMode(KEY);
    await listen({ host });
    expect(mode.isOpen).toBe(false);
    expect(server.listening).toBe(true);
  });

  test('starts in production', () => {
    vi.stubEnv('NODE_ENV', 'production');
    expect(openMode(KEY).isOpen).toBe(false);
  });
});
