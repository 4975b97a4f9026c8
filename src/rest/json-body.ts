import type { IncomingMessage } from 'node:http';
import { Inject, Injectable, Optional } from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost } from '@nestjs/core';
import { MetricastError } from '../protocol/index.js';
import { BodyRoom } from './body-room.js';
import { OwnPaths, comeFirst } from './own-paths.js';
import { readBody } from './read-body.js';

/** The injection token of how long a body may bring nothing before it is given up, in milliseconds; 10 s where nobody provides it. */
export const BODY_PATIENCE = Symbol('metricast.body-patience');

const BODY_HEADERS = ['content-type', 'content-length', 'content-encoding', 'transfer-encoding'] as const;

type BodyHeaders = Partial<Record<(typeof BODY_HEADERS)[number], string>>;
const HIDDEN = Symbol('metricast.body-headers');
type Request = IncomingMessage & { [HIDDEN]?: BodyHeaders };

/** A request that brings a body, as the platform gives it to a handler, and whose it is. */
export interface Upload {
  readonly request: object;
  readonly response: object;
  readonly tenant: string;
}

/**
 * Reads the bodies of requests, after they were authenticated and up to a limit of our own. The platform's
 * body parser must not come first: Express's stops at 100 KB, Fastify's at 1 MiB, and each host configures its own.
 * Without the headers that announce a body, both leave it alone.
 */
@Injectable()
export class JsonBody {
  readonly #paths: OwnPaths;
  readonly #room = new BodyRoom();

  constructor(
    private readonly host: HttpAdapterHost,
    config: ApplicationConfig,
    @Optional() @Inject(BODY_PATIENCE) private readonly patience = 10_000,
  ) {
    this.#paths = new OwnPaths(config);
    comeFirst(host, (request, _response, next) => {
      this.#hide(request);
      next();
    });
  }

  /**
   * Takes the bodies sent to a path, below the host's global prefix: everything else is left to the platform.
   *
   * @param path in lower case but for the names of its parameters: `/admin/profiles/:name`.
   */
  claim(path: string): void {
    this.#paths.claim(path);
  }

  /**
   * Reads the body, and gives the value of its JSON to the work, which is done with it when it resolves.
   *
   * @throws {@link MetricastError} `too_large`, `unsupported_media_type`, `bad_request` where it is not JSON or does not
   * come, or `busy` while bodies take all the room there is, or all that one tenant may have; whatever the work throws.
   */
  async use(upload: Upload, work: (value: unknown) => Promise<void>): Promise<void> {
    const { tenant } = upload;
    let taken = 0;
    const take = (bytes: number) => {
      this.#room.take(tenant, bytes);
      taken += bytes;
    };
    try {
      await work(await this.#read(upload, take));
    } finally {
      this.#room.giveBack(tenant, taken);
    }
  }

  async #read({ request: platformRequest, response }: Upload, take: (bytes: number) => void): Promise<unknown> {
    const request = 'raw' in platformRequest ? (platformRequest.raw as Request) : (platformRequest as Request);
    const headers = request[HIDDEN] ?? {};
    // Besides being the truth, it makes a foreign web page ask before it may post to a server on loopback.
    if (!/^application\/(.+\+)?json *(;|$)/i.test(headers['content-type'] ?? '')) {
      throw new MetricastError('unsupported_media_type');
    }
    if (headers['content-encoding'] && headers['content-encoding'] !== 'identity') {
      throw new MetricastError('unsupported_media_type', { detail: 'without content encoding' });
    }
    // Else the socket would wait for the rest of the body after the answer has left.
    const onStall = () => this.host.httpAdapter.setHeader(response, 'Connection', 'close');
    try {
      const announced = Number(headers['content-length'] ?? 0);
      return parseJson(await readBody(request, announced, { patience: this.patience, take, onStall }));
    } finally {
      // What was not read is thrown away: a client that is still sending would not get to see the answer.
      request.resume();
    }
  }

  #hide(request: Request): void {
    if (!this.#paths.include(request)) return;
    const hidden: BodyHeaders = {};
    for (const name of BODY_HEADERS) {
      hidden[name] = request.headers[name];
      delete request.headers[name];
    }
    request[HIDDEN] = hidden;
  }
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch (cause) {
    // The parser's message quotes the body, so it stays here.
    throw new MetricastError('bad_request', { detail: 'the body is not JSON', cause });
  }
}
