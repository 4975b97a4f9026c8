import { createHmac } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CliProcess } from '../support/cli-process.js';
import { SECRET, TestApp } from '../support/app.js';
import { WireClient } from '../support/wire-client.js';

const GRANT = ['--tenant', 'acme', '--roles', 'viewer,ingest', '--expires', '1h'];

async function signed(args: readonly string[] = GRANT, variables: Record<string, string> = {}): Promise<string> {
  const { status, stdout, stderr } = await CliProcess.run(['token', ...args], { JWT_SECRET_KEY: SECRET, ...variables });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  return stdout.trimEnd();
}

function partsOf(token: string): Record<string, unknown>[] {
  const parts = token.split('.').slice(0, 2);
  return parts.map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>);
}

describe('metricast token', () => {
  it('prints a token that says who the holder is, what they may do and for how long', async () => {
    const before = Math.floor(Date.now() / 1000);
    const [header, claims] = partsOf(await signed());

    expect(header).toEqual({ alg: 'HS256', typ: 'JWT' });
    expect(claims).toEqual({
      sub: 'cli',
      tenant_id: 'acme',
      roles: ['viewer', 'ingest'],
      iat: expect.any(Number),
      exp: Number(claims!['iat']) + 3600,
      jti: expect.stringMatching(/^[\da-f]{8}-/),
    });
    expect(claims!['iat']).toBeGreaterThanOrEqual(before);
    expect(claims!['iat']).toBeLessThanOrEqual(Date.now() / 1000);
  });

  it('names the subject that it is told, and lists a role once', async () => {
    const [, claims] = partsOf(
      await signed(['--tenant=acme', '--roles=viewer, viewer', '--expires=30s', '--subject=Ada Lovelace']),
    );

    expect(claims).toMatchObject({ sub: 'Ada Lovelace', roles: ['viewer'] });
  });

  it('gives each token an id of its own, by which it can be revoked', async () => {
    const ids = [await signed(), await signed()].map((token) => partsOf(token)[1]!['jti']);

    expect(ids[0]).not.toBe(ids[1]);
  });

  it.each(['HS256', 'HS384', 'HS512'] as const)(
    'opens a socket on a server with that key and %s',
    async (algorithm) => {
      const app = await TestApp.start({ auth: { secret: SECRET, algorithm } });
      onTestFinished(() => app.close());
      const token = await signed(GRANT, { JWT_ALGORITHM: algorithm });

      const [, , signature] = token.split('.');
      const content = token.slice(0, token.lastIndexOf('.'));
      expect(signature).toBe(
        createHmac(`sha${algorithm.slice(2)}`, SECRET)
          .update(content)
          .digest('base64url'),
      );
      const client = await WireClient.open(app.url(`/ws/skills?token=${token}`, 'ws'));
      expect(await client.next()).toMatchObject({ type: 'connected', authenticated: true });
      await client.close();
    },
  );

  const usage = ' (see metricast token --help)';
  it.each([
    [`--tenant is missing: it must be 1 to 128 characters of A-Z a-z 0-9 _ . -${usage}`, GRANT.slice(2)],
    [`--tenant was "a b": it must be 1 to 128 characters of A-Z a-z 0-9 _ . -${usage}`, [...GRANT, '--tenant=a b']],
    [`--tenant needs a value${usage}`, ['--tenant', ...GRANT.slice(2)]],
    [`--roles is missing: it must be one or more of viewer,ingest,admin,operator${usage}`, ['--tenant=acme']],
    [
      `--roles was "viewer,root": it must be one or more of viewer,ingest,admin,operator${usage}`,
      [...GRANT, '--roles=viewer,root'],
    ],
    [`--roles was "": it must be one or more of viewer,ingest,admin,operator${usage}`, [...GRANT, '--roles=']],
    [
      `--expires is missing: it must be a duration such as 30s, 15m, 1h or 7d, of at most 3650d${usage}`,
      GRANT.slice(0, 4),
    ],
    [
      `--expires was "soon": it must be a duration such as 30s, 15m, 1h or 7d, of at most 3650d${usage}`,
      [...GRANT, '--expires=soon'],
    ],
    [`--subject was "": it must be a printable text${usage}`, [...GRANT, '--subject=']],
    [`takes options only${usage}`, [...GRANT, 'now']],
  ])('is asked for wrongly: %s', async (line, args) => {
    expect(await CliProcess.run(['token', ...args], { JWT_SECRET_KEY: SECRET })).toEqual({
      status: 2,
      stdout: '',
      stderr: `metricast token: ${line}\n`,
    });
  });

  it.each<[string, Record<string, string>]>([
    ["JWT_SECRET_KEY is missing: it must be the server's key, at least 32 bytes", {}],
    ["JWT_SECRET_KEY is missing: it must be the server's key, at least 32 bytes", { JWT_SECRET_KEY: '' }],
    ['JWT_SECRET_KEY has 4 bytes: it must be at least 32 bytes', { JWT_SECRET_KEY: 'hush' }],
    [
      'JWT_ALGORITHM is ES256: the owner of the private key must sign the token',
      { JWT_SECRET_KEY: SECRET, JWT_ALGORITHM: 'ES256' },
    ],
    [
      'JWT_ALGORITHM was "none": it must be one of ' +
        'HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA',
      { JWT_SECRET_KEY: SECRET, JWT_ALGORITHM: 'none' },
    ],
  ])('cannot sign: %s', async (line, variables) => {
    expect(await CliProcess.run(['token', ...GRANT], variables)).toEqual({
      status: 1,
      stdout: '',
      stderr: `metricast token: ${line}\n`,
    });
  });
});
