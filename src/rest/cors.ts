import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost } from '@nestjs/core';
import { Origins } from '../limits/index.js';
import { MetricastError } from '../protocol/index.js';
import { OwnPaths, comeFirst } from './own-paths.js';
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
  readonly #paths: OwnPaths;

  constructor(
    private readonly host: HttpAdapterHost,
    private readonly origins: Origins,
    config: ApplicationConfig,
  ) {
    this.#paths = new OwnPaths(config);
    if (!origins.areListed) return;
    comeFirst(host, (request, response, next) => {
      if (!this.#greet(request, response)) next();
    });
  }

  /** Takes a path below the host's global prefix, and all that is below it. */
  claim(path: string): void {
    this.#paths.claim(`/${path}`, '(/.*)?');
  }

  /** True where the request was but the browser's question whether it may ask, and is answered. */
  #greet(request: IncomingMessage, response: object): boolean {
    if (!this.#paths.include(request)) return false;
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
}
