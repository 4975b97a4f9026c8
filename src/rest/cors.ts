import type { IncomingMessage } from 'node:http';
import { type HttpServer, Injectable } from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost } from '@nestjs/core';
import { Origins } from '../limits/index.js';
import { MetricastError } from '../protocol/index.js';
import { problemOf } from './problem.filter.js';

const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE';
const REQUEST_HEADERS = 'Authorization, Content-Type, If-None-Match, Last-Event-ID';
const RESPONSE_HEADERS = 'ETag, Location, Retry-After';
/** Seconds for which a browser need not ask again. */
const MAX_AGE = '600';

/**
 * Lets the pages of the listed origins read our answers from within a browser (CORS, https://fetch.spec.whatwg.org).
 * Of our own paths alone: on all others the host decides, and on ours too where no origin is listed.
 */
@Injectable()
export class Cors {
  readonly #paths = new Set<string>();

  constructor(
    private readonly host: HttpAdapterHost,
    private readonly config: ApplicationConfig,
    private readonly origins: Origins,
  ) {
    // As soon as there is a platform, which in a testing module is after this was made: what was added first runs first.
    host.init$.subscribe(() => this.#comeFirst(host.httpAdapter));
  }

  /** Takes a path below the host's global prefix, and all that is below it. */
  claim(path: string): void {
    this.#paths.add(`/${path.toLowerCase()}/`.replaceAll(/\/+/g, '/'));
  }

  /** Without an adapter, in an application that serves no HTTP, there is nothing to do. */
  #comeFirst(platform: HttpServer | undefined): void {
    if (!this.origins.areListed) return;
    if (platform?.getType?.() === 'fastify') {
      const fastify = platform.getInstance!() as FastifyLike;
      fastify.addHook('onRequest', (request, reply, done) => {
        if (!this.#greet(request.raw, reply)) done();
      });
    } else {
      platform?.use((request: IncomingMessage, response: object, next: () => void) => {
        if (!this.#greet(request, response)) next();
      });
    }
  }

  /** True where the request was but the browser's question whether it may ask, and is answered. */
  #greet(request: IncomingMessage, response: object): boolean {
    if (!this.#isOurs(request.url ?? '')) return false;
    const { httpAdapter } = this.host;
    // Also to those who bring none: what is kept for one page must not be shown to another.
    httpAdapter.appendHeader(response, 'Vary', 'Origin');
    const { origin } = request.headers;
    if (origin === undefined) return false;
    const isQuestion = request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined;
    try {
      this.origins.require(origin);
    } catch (error) {
      if (isQuestion) httpAdapter.reply(response, problemOf(MetricastError.from(error)), 403);
      return isQuestion;
    }
    httpAdapter.setHeader(response, 'Access-Control-Allow-Origin', origin);
    httpAdapter.setHeader(response, 'Access-Control-Expose-Headers', RESPONSE_HEADERS);
    if (!isQuestion) return false;
    httpAdapter.setHeader(response, 'Access-Control-Allow-Methods', METHODS);
    httpAdapter.setHeader(response, 'Access-Control-Allow-Headers', REQUEST_HEADERS);
    httpAdapter.setHeader(response, 'Access-Control-Max-Age', MAX_AGE);
    httpAdapter.reply(response, undefined, 204);
    return true;
  }

  #isOurs(url: string): boolean {
    const path = `${url.split('?', 1)[0]!.toLowerCase()}/`;
    // Asked at each request: the host sets its prefix after this was made. It may exempt our paths from it.
    const prefix = `/${this.config.getGlobalPrefix().toLowerCase()}/`.replaceAll(/\/+/g, '/');
    const below = path.startsWith(prefix) ? path.slice(prefix.length - 1) : path;
    for (const ours of this.#paths) if (below.startsWith(ours) || path.startsWith(ours)) return true;
    return false;
  }
}

interface FastifyLike {
  addHook(name: 'onRequest', hook: (request: { raw: IncomingMessage }, reply: object, done: () => void) => void): void;
}
