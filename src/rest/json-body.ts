import type { IncomingMessage } from 'node:http';
import { type HttpServer, Injectable } from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost } from '@nestjs/core';
import { MetricastError } from '../protocol/index.js';

const MAX_BODY_BYTES = 5 * 1024 * 1024;
/** Bodies that are being read or wait for the store, all together: where it hangs, they must not fill the memory. */
const MAX_BYTES_IN_USE = 64 * 1024 * 1024;
const BODY_HEADERS = ['content-type', 'content-length', 'content-encoding', 'transfer-encoding'] as const;

type BodyHeaders = Partial<Record<(typeof BODY_HEADERS)[number], string>>;
const HIDDEN = Symbol('metricast.body-headers');
type Request = IncomingMessage & { [HIDDEN]?: BodyHeaders };

/**
 * Reads the bodies of the ingest requests, after they were authenticated and up to a limit of our own. The platform's
 * body parser must not come first: Express's stops at 100 KB, Fastify's at 1 MiB, and each host configures its own.
 * Without the headers that announce a body, both leave it alone.
 */
@Injectable()
export class JsonBody {
  readonly #paths = new Set<string>();
  #bytesInUse = 0;

  constructor(
    host: HttpAdapterHost,
    private readonly config: ApplicationConfig,
  ) {
    // As soon as there is a platform, which in a testing module is after this was made: what was added first runs first.
    host.init$.subscribe(() => this.#comeFirst(host.httpAdapter));
  }

  /** Takes the bodies sent to a path, below the host's global prefix: everything else is left to the platform. */
  claim(path: string): void {
    this.#paths.add(path);
  }

  /**
   * Reads the body, and gives the value of its JSON to the work, which is done with it when it resolves.
   *
   * @throws {@link MetricastError} `too_large`, `unsupported_media_type`, `bad_request` where it is not JSON, or `busy`
   * while others' bodies take all the room there is; whatever the work throws.
   */
  async use(platformRequest: object, work: (value: unknown) => Promise<void>): Promise<void> {
    let taken = 0;
    const take = (bytes: number) => {
      if (this.#bytesInUse + bytes > MAX_BYTES_IN_USE) throw new MetricastError('busy', { retryAfter: 1 });
      this.#bytesInUse += bytes;
      taken += bytes;
    };
    try {
      await work(await this.#read(platformRequest, take));
    } finally {
      this.#bytesInUse -= taken;
    }
  }

  /** @param take called with the size of each piece before it is kept. */
  async #read(platformRequest: object, take: (bytes: number) => void): Promise<unknown> {
    const request = 'raw' in platformRequest ? (platformRequest.raw as Request) : (platformRequest as Request);
    const headers = request[HIDDEN] ?? {};
    // Besides being the truth, it makes a foreign web page ask before it may post to a server on loopback.
    if (!/^application\/(.+\+)?json *(;|$)/i.test(headers['content-type'] ?? '')) {
      throw new MetricastError('unsupported_media_type');
    }
    if (headers['content-encoding'] && headers['content-encoding'] !== 'identity') {
      throw new MetricastError('unsupported_media_type', { detail: 'without content encoding' });
    }
    try {
      if (Number(headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooLarge();
      return parseJson(await readBounded(request, take));
    } finally {
      // What was not read is thrown away: a client that is still sending would not get to see the answer.
      request.resume();
    }
  }

  /** Without an adapter, in an application that serves no HTTP, there is nothing to do. */
  #comeFirst(platform: HttpServer | undefined): void {
    if (platform?.getType?.() === 'fastify') {
      const fastify = platform.getInstance!() as FastifyLike;
      fastify.addHook('onRequest', (request, _reply, done) => {
        this.#hide(request.raw);
        done();
      });
    } else {
      platform?.use((request: Request, _response: unknown, next: () => void) => {
        this.#hide(request);
        next();
      });
    }
  }

  #hide(request: Request): void {
    if (!this.#isClaimed(request.url ?? '')) return;
    const hidden: BodyHeaders = {};
    for (const name of BODY_HEADERS) {
      hidden[name] = request.headers[name];
      delete request.headers[name];
    }
    request[HIDDEN] = hidden;
  }

  #isClaimed(url: string): boolean {
    // Express takes no notice of case, nor of a slash at the end.
    const path = url.split('?', 1)[0]!.toLowerCase().replace(/\/$/, '');
    // Asked at each request: the host sets its prefix after this was made. It may exempt our paths from it.
    const prefix = `/${this.config.getGlobalPrefix().toLowerCase()}/`.replaceAll(/\/+/g, '/');
    return this.#paths.has(path) || (path.startsWith(prefix) && this.#paths.has(path.slice(prefix.length - 1)));
  }
}

interface FastifyLike {
  addHook(name: 'onRequest', hook: (request: { raw: Request }, reply: unknown, done: () => void) => void): void;
}

async function readBounded(request: IncomingMessage, take: (bytes: number) => void): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    // Giving up must not destroy the socket, on which the answer has to leave.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_BODY_BYTES) throw tooLarge();
      take(chunk.length);
      chunks.push(chunk);
    }
  } catch (error) {
    // A client that goes away in the middle is nobody's fault here.
    throw error instanceof MetricastError ? error : new MetricastError('bad_request', { detail: 'the body broke off' });
  }
  return Buffer.concat(chunks);
}

function tooLarge(): MetricastError {
  return new MetricastError('too_large', { detail: 'at most 5 MiB' });
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch (cause) {
    // The parser's message quotes the body, so it stays here.
    throw new MetricastError('bad_request', { detail: 'the body is not JSON', cause });
  }
}
