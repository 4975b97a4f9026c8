import { readFileSync } from 'node:fs';
import {
  type JwtAlgorithm,
  KEY_SET_LOCATION_FORM,
  MAX_CLOCK_TOLERANCE,
  isKeySetLocation,
  isLoopback,
  isPublicKeyFor,
  isSymmetric,
} from './auth/index.js';
import { DIALECTS, type DialectName, isDialectName } from './dialects/index.js';
import { UPSTREAM_URL_FORM, isUpstreamUrl } from './feeds/tools/index.js';
import { METRICS_TOKEN_FORM, type MetricastOptions, isEndpointPath, isMetricsToken } from './metricast.options.js';
import { TRUST_PROXY_FORM, parseAllowedOrigin, parseTrustProxy } from './limits/index.js';
import { DATABASE_URL_FORMS, isDatabaseUrl } from './persistence/index.js';
import { ORIGIN_FORM } from './protocol/index.js';
import { withoutSlash } from './transports/ws/index.js';
import {
  EnvironmentError,
  JWT_SECRET_FORM,
  type ReadVariable,
  type Variables,
  oneOf,
  readJwtAlgorithm,
  readJwtSecret,
  variableReader,
} from './variables.js';

export { EnvironmentError } from './variables.js';

/** What the standalone server is told by its environment. */
export interface Environment {
  readonly port: number;
  readonly host: string;
  readonly logLevel: LogLevel;
  /** PEM; absent for plain HTTP. */
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | undefined;
  /** Variables that are set, and have no effect yet. */
  readonly withoutEffect: readonly string[];
  readonly metricast: MetricastOptions;
}

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** @throws {@link EnvironmentError} for the first variable that is wrong. An empty one counts as not set. */
export function readEnvironment(variables: Variables): Environment {
  const read = variableReader(variables);
  const algorithm = readJwtAlgorithm(read);
  const environment: Environment = {
    port: read('PORT', inRange(0, 65_535, true), 'a whole number from 0 to 65535') ?? 8000,
    host: read('HOST', (value) => (/\s/.test(value) ? undefined : value), 'an address or a host name') ?? '127.0.0.1',
    logLevel: read('LOG_LEVEL', oneOf(LOG_LEVELS), `one of ${LOG_LEVELS.join(', ')}`) ?? 'log',
    tls: readTls(read),
    withoutEffect: NOT_SERVED.filter((name) => variables[name]),
    metricast: {
      // May hold a password, so it is not shown.
      database: read('DATABASE_URL', (url) => (isDatabaseUrl(url) ? url : undefined), DATABASE_URL_FORMS, false),
      auth: {
        secret: readJwtSecret(read),
        publicKey: read('JWT_PUBLIC_KEY', publicKeyFor(algorithm), publicKeyForm(algorithm), false),
        jwks: read('JWT_JWKS', keySetFor(algorithm), keySetForm(algorithm), false),
        algorithm,
        audience: read('JWT_AUDIENCE', (audience) => audience, 'a text'),
        issuer: read('JWT_ISSUER', (issuer) => issuer, 'a text'),
        clockTolerance: read(
          'JWT_CLOCK_TOLERANCE',
          inRange(0, MAX_CLOCK_TOLERANCE),
          `seconds from 0 to ${MAX_CLOCK_TOLERANCE}`,
        ),
      },
      endpoints: read('WS_ENDPOINTS', endpoints, `PATH=DIALECT,… of ${Object.keys(DIALECTS).join(', ')}`),
      heartbeatInterval: read('WS_HEARTBEAT_INTERVAL', inRange(0.05, 3600), 'seconds from 0.05 to 3600'),
      updateInterval: read('UPDATE_INTERVAL', inRange(0.1, 3600), 'seconds from 0.1 to 3600'),
      maxMessagesPerMinute: readLimit(read, 'RATE_LIMIT_MAX_MESSAGES_PER_MINUTE'),
      maxConnectionsPerAddress: readLimit(read, 'MAX_CONNECTIONS_PER_ADDRESS'),
      maxFailedAuthentications: readLimit(read, 'MAX_FAILED_AUTHENTICATIONS_PER_ADDRESS'),
      maxRequestsPerMinute: readLimit(read, 'REST_RATE_LIMIT_PER_MINUTE'),
      trustProxy: read('TRUST_PROXY', parseTrustProxy, TRUST_PROXY_FORM),
      origins: read('CORS_ORIGINS', origins, `* or ORIGIN,… of ${ORIGIN_FORM}`),
      compression: read('WS_COMPRESSION', trueOrFalse, 'true or false'),
      upstreams: {
        embeddings: read('UPSTREAM_EMBEDDINGS_URL', upstreamUrl, UPSTREAM_URL_FORM, false),
        compression: read('UPSTREAM_COMPRESSION_URL', upstreamUrl, UPSTREAM_URL_FORM, false),
      },
      metricsToken: read(
        'METRICS_TOKEN',
        (token) => (isMetricsToken(token) ? token : undefined),
        METRICS_TOKEN_FORM,
        false,
      ),
    },
  };
  requireKey(environment, algorithm, variables['NODE_ENV'] === 'production');
  return environment;
}

const NOT_SERVED = ['REDIS_URL'];

function readTls(read: ReadVariable): Environment['tls'] {
  const cert = read('TLS_CERT', readPem, 'the path of a certificate in PEM');
  const key = read('TLS_KEY', readPem, 'the path of a private key in PEM');
  if (cert && key) return { cert, key };
  if (!cert && !key) return undefined;
  throw new EnvironmentError(`${cert ? 'TLS_KEY' : 'TLS_CERT'} is missing: a certificate and its key go together`);
}

function readPem(path: string): Buffer | undefined {
  try {
    const pem = readFileSync(path);
    return pem.includes('-----BEGIN ') ? pem : undefined;
  } catch {
    return undefined;
  }
}

function requireKey({ host, metricast: { auth } }: Environment, algorithm: JwtAlgorithm, isProduction: boolean): void {
  const name = algorithm.startsWith('HS') ? 'JWT_SECRET_KEY' : 'JWT_PUBLIC_KEY';
  const key = algorithm.startsWith('HS') ? auth?.secret : (auth?.publicKey ?? auth?.jwks);
  if (auth?.publicKey !== undefined && auth.jwks !== undefined) {
    throw new EnvironmentError('JWT_PUBLIC_KEY and JWT_JWKS are both set: it must be one of them');
  }
  if (key !== undefined) return;
  if (name === 'JWT_PUBLIC_KEY') throw new EnvironmentError(`${name} is missing: JWT_ALGORITHM is ${algorithm}`);
  const isLocal = host === 'localhost' || isLoopback(host);
  if (isLocal && !isProduction) return;
  const why = isProduction ? 'NODE_ENV is production' : `HOST is ${JSON.stringify(host)}, which others can reach`;
  throw new EnvironmentError(`${name} is missing: it must be ${JWT_SECRET_FORM}, because ${why}`);
}

function inRange(min: number, max: number, isWhole = false) {
  return (value: string): number | undefined => {
    // Not all that JavaScript takes for a number: a blank would be 0.
    const number = /^\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
    return number >= min && number <= max && (!isWhole || Number.isInteger(number)) ? number : undefined;
  };
}

function readLimit(read: ReadVariable, name: string): number | undefined {
  return read(name, inRange(0, 1e9, true), 'a whole number from 0 (no limit) to 1000000000');
}

function origins(value: string): string[] | undefined {
  const parsed = value.split(',').map((one) => parseAllowedOrigin(one.trim()));
  const known = parsed.filter((one) => one !== undefined);
  return known.length === parsed.length ? known : undefined;
}

function trueOrFalse(value: string): boolean | undefined {
  return value === 'true' || value === 'false' ? value === 'true' : undefined;
}

function publicKeyFor(algorithm: JwtAlgorithm) {
  return (value: string): string | undefined => {
    // Where a variable cannot hold line ends they are written as \n.
    const pem = value.replaceAll('\\n', '\n');
    return isPublicKeyFor(pem, algorithm) ? pem : undefined;
  };
}

function publicKeyForm(algorithm: JwtAlgorithm): string {
  return algorithm.startsWith('HS')
    ? `absent, because JWT_ALGORITHM is ${algorithm}`
    : `a public key in PEM that can check ${algorithm}`;
}

function keySetFor(algorithm: JwtAlgorithm) {
  return (value: string): string | undefined =>
    !isSymmetric(algorithm) && isKeySetLocation(value) ? value : undefined;
}

function keySetForm(algorithm: JwtAlgorithm): string {
  return isSymmetric(algorithm) ? `absent, because JWT_ALGORITHM is ${algorithm}` : KEY_SET_LOCATION_FORM;
}

/** It may hold a password, so it is not shown. */
function upstreamUrl(value: string): string | undefined {
  return isUpstreamUrl(value) ? value : undefined;
}

/** `/ws/metrics=channels,/=skills` */
function endpoints(value: string): Record<string, DialectName> | undefined {
  const table: Record<string, DialectName> = {};
  for (const entry of value.split(',')) {
    const [given = '', dialect = '', ...rest] = entry.split('=').map((part) => part.trim());
    const path = withoutSlash(given);
    if (!isEndpointPath(path) || !isDialectName(dialect) || rest.length > 0 || Object.hasOwn(table, path)) {
      return undefined;
    }
    table[path] = dialect;
  }
  return table;
}
