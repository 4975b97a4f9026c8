import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type INestApplication, Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AppModule } from './app.module.js';
import { type Environment, LOG_LEVELS, readEnvironment } from './environment.js';
import { DEFAULT_ENDPOINTS } from './metricast.options.js';
import { ServerLogger } from './server-logger.js';
import { startFailure } from './start-failure.js';

/** How long requests under way may take once the server was told to stop. */
const PATIENCE_MILLIS = 5000;
/** How long a peer may take to say what it wants: to shake hands, and to send the head of its request. */
const HEAD_MILLIS = 10_000;
/** How often to look for those who take longer. */
const CHECK_MILLIS = 1000;
/** When it ends in any case. */
const LAST_CALL_MILLIS = 9500;

/**
 * Runs the standalone server until it is told to stop.
 *
 * @throws `EnvironmentError` where a variable is wrong, or does not go with what the machine allows.
 */
export async function serve(variables: Readonly<Record<string, string | undefined>>): Promise<INestApplication> {
  const environment = readEnvironment(variables);
  try {
    const app = await start(environment);
    Logger.flush();
    process.stdout.write(welcome(environment, serverOf(app).address() as AddressInfo));
    return app;
  } catch (error) {
    Logger.detachBuffer();
    throw startFailure(error, environment);
  }
}

async function start({ logLevel, metricast, tls, withoutEffect, port, host }: Environment): Promise<INestApplication> {
  const logLevels = LOG_LEVELS.slice(0, LOG_LEVELS.indexOf(logLevel) + 1);
  const httpsOptions = tls && { ...tls, handshakeTimeout: HEAD_MILLIS };
  const app = await NestFactory.create<NestExpressApplication>(AppModule.with(metricast), {
    ...(httpsOptions && { httpsOptions }),
    logger: new ServerLogger({ json: !process.stdout.isTTY, logLevels: [...logLevels] }),
    // What keeps it from starting is said once, by whoever called this, and not by Nest as well.
    abortOnError: false,
    bufferLogs: true,
    autoFlushLogs: false,
  });
  // What it is made of is nobody's business.
  app.disable('x-powered-by');
  limitPatience(serverOf(app));
  for (const signal of SIGNALS) process.once(signal, () => hurry(serverOf(app)));
  app.enableShutdownHooks([...SIGNALS], { useProcessExit: true });
  for (const name of withoutEffect) new Logger('Environment').warn(`${name} is set, and has no effect yet`);
  await app.listen(port, host);
  return app;
}

/** Whoever begins a request and never ends it must not keep the socket. */
function limitPatience(server: Server): void {
  server.headersTimeout = HEAD_MILLIS;
  // Nest makes the server by itself, and passes no options on. It is read when the server begins to listen.
  (server as Server & { connectionsCheckingInterval: number }).connectionsCheckingInterval = CHECK_MILLIS;
}

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** Nest waits for every request under way, and one that is never finished must not keep the process. */
function hurry(server: Server): void {
  setTimeout(() => server.closeAllConnections(), PATIENCE_MILLIS).unref();
  setTimeout(() => {
    process.stderr.write('Metricast could not finish in time: what was queued and not acknowledged may be lost.\n');
    process.exit(1);
  }, LAST_CALL_MILLIS).unref();
}

function serverOf(app: INestApplication): Server {
  return app.getHttpServer() as Server;
}

function welcome({ metricast, tls }: Environment, { address, port, family }: AddressInfo): string {
  const host = `${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  const s = tls ? 's' : '';
  const endpoints = Object.entries(metricast.endpoints ?? DEFAULT_ENDPOINTS);
  const skills = endpoints.find(([, dialect]) => dialect === 'skills') ?? endpoints[0]!;
  const { secret, publicKey, jwks } = metricast.auth ?? {};
  const needsToken = (secret ?? publicKey ?? jwks) !== undefined;
  return [
    '',
    `Metricast is up.`,
    `  health    http${s}://${host}/health`,
    `  metrics   http${s}://${host}/metrics`,
    `  docs      http${s}://${host}/docs`,
    ...endpoints.map(([path, dialect]) => `  ${dialect.padEnd(9)} ws${s}://${host}${path}`),
    `  stream    http${s}://${host}/stream/metrics?dialect=…`,
    '',
    'Watch it:',
    `  npx wscat -c "ws${s}://${host}${skills[0]}${needsToken ? '?token=…' : ''}"`,
    '',
    '',
  ].join('\n');
}
