import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SECRET } from '../support/app.js';
import { Scratch } from '../support/host.js';
import { ServerProcess } from '../support/server-process.js';

const RSA_KEY = String(
  generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'pem' }),
);
const ALGORITHMS = 'HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA';
const KEY_SETS = 'the path of a JSON Web Key Set, or an https:// URL (http:// on loopback)';

// Starting a process takes its time where many do.
describe('the standalone server does not start, and says why in one line', { timeout: 60_000 }, () => {
  let scratch: Scratch;

  beforeAll(() => {
    scratch = new Scratch();
  });

  afterAll(() => scratch.remove());

  /** The one line that a start with these variables ends with. */
  const complaintAt = async (variables: Record<string, string>) => {
    const server = ServerProcess.run(variables, scratch.directory);
    expect(await server.exited).toEqual({ code: 1, signal: null });
    expect(server.stdout).toBe('');
    expect(server.stderr).toMatch(/^[^\n]+\n$/);
    return server.stderr.trimEnd();
  };

  it.each<[line: string, variables: Record<string, string>]>([
    ['PORT was "http": it must be a whole number from 0 to 65535', { PORT: 'http' }],
    ['PORT was "65536": it must be a whole number from 0 to 65535', { PORT: '65536' }],
    ['HOST was "my host": it must be an address or a host name', { HOST: 'my host' }],
    [
      'HOST was "203.0.113.7": it must be an address of this machine (EADDRNOTAVAIL)',
      { HOST: '203.0.113.7', JWT_SECRET_KEY: SECRET },
    ],
    [
      'JWT_SECRET_KEY is missing: it must be at least 32 bytes, because HOST is "0.0.0.0", which others can reach',
      { HOST: '0.0.0.0' },
    ],
    [
      'JWT_SECRET_KEY is missing: it must be at least 32 bytes, because NODE_ENV is production',
      { NODE_ENV: 'production' },
    ],
    ['JWT_SECRET_KEY has 4 bytes: it must be at least 32 bytes', { JWT_SECRET_KEY: 'hush' }],
    [`JWT_ALGORITHM was "none": it must be one of ${ALGORITHMS}`, { JWT_ALGORITHM: 'none' }],
    ['JWT_PUBLIC_KEY is missing: JWT_ALGORITHM is RS256', { JWT_ALGORITHM: 'RS256' }],
    [
      'JWT_PUBLIC_KEY has 6 bytes: it must be a public key in PEM that can check ES256',
      { JWT_PUBLIC_KEY: 'no key', JWT_ALGORITHM: 'ES256' },
    ],
    [
      'JWT_PUBLIC_KEY has 451 bytes: it must be a public key in PEM that can check ES256',
      { JWT_PUBLIC_KEY: RSA_KEY, JWT_ALGORITHM: 'ES256' },
    ],
    [
      'JWT_PUBLIC_KEY has 451 bytes: it must be absent, because JWT_ALGORITHM is HS256',
      { JWT_PUBLIC_KEY: RSA_KEY, JWT_SECRET_KEY: SECRET },
    ],
    [
      `JWT_JWKS has 26 bytes: it must be ${KEY_SETS}`,
      { JWT_JWKS: 'http://id.example.com/jwks', JWT_ALGORITHM: 'ES256' },
    ],
    [
      `JWT_JWKS was "none.json": it must be ${KEY_SETS}, and not: ENOENT`,
      { JWT_JWKS: 'none.json', JWT_ALGORITHM: 'ES256' },
    ],
    ['JWT_JWKS has 9 bytes: it must be absent, because JWT_ALGORITHM is HS256', { JWT_JWKS: 'keys.json' }],
    [
      'JWT_PUBLIC_KEY and JWT_JWKS are both set: it must be one of them',
      { JWT_JWKS: 'keys.json', JWT_PUBLIC_KEY: RSA_KEY, JWT_ALGORITHM: 'RS256' },
    ],
    ['JWT_CLOCK_TOLERANCE was "301": it must be seconds from 0 to 300', { JWT_CLOCK_TOLERANCE: '301' }],
    [
      'WS_ENDPOINTS was "/ws=klingon": it must be PATH=DIALECT,… of channels, skills, tools, routing, workspace',
      { WS_ENDPOINTS: '/ws=klingon' },
    ],
    [
      'WS_ENDPOINTS was "/a=skills,/a=skills": it must be PATH=DIALECT,… of channels, skills, tools, routing, workspace',
      { WS_ENDPOINTS: '/a=skills,/a=skills' },
    ],
    [
      'WS_ENDPOINTS was "/a=skills,/a/=tools": it must be PATH=DIALECT,… of channels, skills, tools, routing, workspace',
      { WS_ENDPOINTS: '/a=skills,/a/=tools' },
    ],
    [
      'RATE_LIMIT_MAX_MESSAGES_PER_MINUTE was " ": it must be a whole number from 0 (no limit) to 1000000000',
      { RATE_LIMIT_MAX_MESSAGES_PER_MINUTE: ' ' },
    ],
    [
      'TRUST_PROXY was "proxy.example": it must be true, false, a number of proxies, or ADDRESS,… of addresses, ranges (10.0.0.0/8), loopback, linklocal and uniquelocal',
      { TRUST_PROXY: 'proxy.example' },
    ],
    [
      'CORS_ORIGINS was "https://good.example/path": it must be * or ORIGIN,… of scheme://host or scheme://host:port',
      { CORS_ORIGINS: 'https://good.example/path' },
    ],
    [
      'MAX_CONNECTIONS_PER_ADDRESS was "many": it must be a whole number from 0 (no limit) to 1000000000',
      { MAX_CONNECTIONS_PER_ADDRESS: 'many' },
    ],
    [
      'MAX_FAILED_AUTHENTICATIONS_PER_ADDRESS was "-1": it must be a whole number from 0 (no limit) to 1000000000',
      { MAX_FAILED_AUTHENTICATIONS_PER_ADDRESS: '-1' },
    ],
    [
      'REST_RATE_LIMIT_PER_MINUTE was "1.5": it must be a whole number from 0 (no limit) to 1000000000',
      { REST_RATE_LIMIT_PER_MINUTE: '1.5' },
    ],
    ['WS_HEARTBEAT_INTERVAL was "0": it must be seconds from 0.05 to 3600', { WS_HEARTBEAT_INTERVAL: '0' }],
    ['UPDATE_INTERVAL was "1s": it must be seconds from 0.1 to 3600', { UPDATE_INTERVAL: '1s' }],
    [
      'RATE_LIMIT_MAX_MESSAGES_PER_MINUTE was "-1": it must be a whole number from 0 (no limit) to 1000000000',
      { RATE_LIMIT_MAX_MESSAGES_PER_MINUTE: '-1' },
    ],
    [
      'METRICS_TOKEN has 9 bytes: it must be 16 to 1024 printable ASCII characters without spaces',
      { METRICS_TOKEN: 'two words' },
    ],
    ['LOG_LEVEL was "loud": it must be one of fatal, error, warn, log, debug, verbose', { LOG_LEVEL: 'loud' }],
  ])('%s', async (line, variables) => {
    expect(await complaintAt(variables)).toBe(line);
  });

  it('DATABASE_URL is of no kind that it knows; without showing its password', async () => {
    expect(await complaintAt({ DATABASE_URL: 'mysql://root:hush@localhost/x' })).toMatch(
      /^DATABASE_URL has 29 bytes: it must be sqlite:PATH/,
    );
  });

  it('DATABASE_URL names a server that does not answer; without showing its password', async () => {
    const port = await freePort();

    expect(await complaintAt({ DATABASE_URL: `postgres://ada:hush@127.0.0.1:${port}/x` })).toBe(
      `DATABASE_URL was "postgres://127.0.0.1:${port}/x": it must be a database that opens, ` +
        `and not: connect ECONNREFUSED 127.0.0.1:${port}`,
    );
  });

  it('DATABASE_URL names a file that cannot be made', async () => {
    expect(await complaintAt({ DATABASE_URL: 'sqlite:/dev/null/x.db' })).toMatch(
      /^DATABASE_URL was "sqlite:\/dev\/null\/x\.db": it must be a database that opens, and not: .+/,
    );
  });

  it('PORT is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;

    expect(await complaintAt({ PORT: String(port) })).toBe(
      `PORT was ${port}: it must be one on which nothing else listens on 127.0.0.1`,
    );
    other.close();
  });
});

/** A port of loopback on which nothing listens. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
