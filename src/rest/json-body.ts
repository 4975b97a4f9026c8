import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost } from '@nestjs/core';
import { MetricastError } from '../protocol/index.js';

const MAX_BODY_BYTES = 5 * 1024 * 1024;
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
  constructor(
    { httpAdapter }: HttpAdapterHost,
    private readonly config: ApplicationConfig,
  ) {
    // Now, while the module is put together: both platforms run what was added first first.
    if (httpAdapter?.getType() === 'fastify') {
      (httpAdapter.getInstance() as FastifyLike).addHook('onRequest', (request, _reply, done) => {
        this.#hide(request.raw);
        done();
      });
    } else {
      httpAdapter?.use((request: Request, _response: unknown, next: () => void) => {
        this.#hide(request);
        next();
      });
    }
  }

  /**
   * The value of the body's JSON.
   *
   * @throws {@link MetricastError} `too_large`, `unsupported_media_type`, or `bad_request` where it is not JSON.
   */
  async read(platformRequest: object): Promise<unknown> {
    const request = 'raw' in platformRequest ? (platformRequest.raw as Request) : (platformRequest as Request);
    const headers = request[HIDDEN] ?? {};
    // Besides being the truth, it makes a foreign web page ask before it may post to a server on loopback.
    if (!/^application\/(.+\+)?json *(;|$)/i.test(headers['content-type'] ?? '')) {
      throw new MetricastError('unsupported_media_type');
    }
    if (headers['content-encoding'] && headers['content-encoding'] !== 'identity') {
      throw new MetricastError('unsupported_media_type', { detail: 'without content encoding' });
    }
    if (Number(headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw new MetricastError('too_large');
    return parseJson(await readBounded(request));
  }

  #hide(request: Request): void {
    if (!this.#isIngest(request.url ?? '')) return;
    const hidden: BodyHeaders = {};
    for (const name of BODY_HEADERS) {
      hidden[name] = request.headers[name];
      delete request.headers[name];
    }
    request[HIDDEN] = hidden;
  }

  #isIngest(url: string): boolean {
    // Asked at each request: the host sets its prefix after this was made.
    const prefix = this.config.getGlobalPrefix().replaceAll(/^\/|\/$/g, '');
    const path = url.split('?', 1)[0]!;
    return /^\/ingest\/[a-z]+\/?$/.test(
      prefix && path.startsWith(`/${prefix}/`) ? path.slice(prefix.length + 1) : path,
    );
  }
}

interface FastifyLike {
  addHook(name: 'onRequest', hook: (request: { raw: Request }, reply: unknown, done: () => void) => void): void;
}

async function readBounded(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  // Giving up must not destroy the socket, on which the answer has to leave.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new MetricastError('too_large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch (cause) {
    // The parser's message quotes the body, so it stays here.
    throw new MetricastError('bad_request', { detail: 'the body is not JSON', cause });
  }
}
