import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RunningServer {
  url: string;
  stop(): Promise<void>;
}

export interface OnDemand {
  /** Where the spec files ask for it; the answer's body is the URL of the server, or the path of the program. */
  address: string;
  stop(): Promise<void>;
}

/**
 * Offers a server to the spec files without starting it: the first that asks waits for the start, all others get the same
 * one. Of a program that is there to be run, `start` gives the path. The address holds a secret, because the answer may
 * hold a password.
 */
export async function offerOnDemand(start: () => Promise<RunningServer | string>): Promise<OnDemand> {
  let running: Promise<RunningServer | string> | undefined;
  const path = `/${randomUUID()}`;
  const desk = createServer((request, response) => {
    response.setHeader('connection', 'close');
    if (request.url !== path) return void response.writeHead(404).end();
    running ??= start();
    running.then(
      (started) => response.end(typeof started === 'string' ? started : started.url),
      (error: Error) => response.writeHead(503).end(error.message),
    );
  });
  await once(desk.listen(0, '127.0.0.1'), 'listening');

  return {
    address: `http://127.0.0.1:${(desk.address() as AddressInfo).port}${path}`,
    async stop() {
      desk.close();
      const started = await running?.catch(() => undefined);
      if (typeof started === 'object') await started.stop();
    },
  };
}

/** The URL of a server, or the path of a program, that is offered at `address`; throws what kept it from starting. */
export async function demand(address: string): Promise<string> {
  const response = await fetch(address);
  const body = await response.text();
  if (!response.ok) throw new Error(body);
  return body;
}
