import type { ServerProcess } from './measured-process.js';

/** How late the event loop of the server was, in milliseconds. */
export interface EventLoopDelay {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/**
 * Starts to look at the server's event loop, and returns what ends it.
 *
 * @param resolution milliseconds between two looks. Looks that are further apart than the server is usually busy are
 * as likely to fall into a busy moment as anything that arrives: right for a percentile. For the longest delay, 1.
 */
export async function watchEventLoop(
  server: ServerProcess,
  resolution: number,
): Promise<() => Promise<EventLoopDelay>> {
  await server.ask('startDelay', resolution);
  return () => server.ask<EventLoopDelay>('stopDelay');
}
