import type { IncomingMessage } from 'node:http';
import type { HttpServer } from '@nestjs/common';
import type { ApplicationConfig, HttpAdapterHost } from '@nestjs/core';

/** Paths that are ours: everything else is the host's. */
export class OwnPaths {
  readonly #patterns: RegExp[] = [];

  constructor(private readonly config: ApplicationConfig) {}

  /**
   * Takes a path below the host's global prefix.
   *
   * @param path in lower case but for the names of its parameters: `/admin/profiles/:name`.
   * @param rest what may follow it, as a regular expression.
   */
  claim(path: string, rest = ''): void {
    this.#patterns.push(new RegExp(`^${path.replaceAll(/:\w+/g, '[^/]+')}${rest}$`));
  }

  include({ url = '' }: IncomingMessage): boolean {
    // Express takes no notice of case, nor of a slash at the end.
    const path = url.split('?', 1)[0]!.toLowerCase().replace(/\/$/, '');
    // Asked at each request: the host sets its prefix after this was made. It may exempt our paths from it.
    const prefix = `/${this.config.getGlobalPrefix().toLowerCase()}/`.replaceAll(/\/+/g, '/');
    return this.#match(path) || (path.startsWith(prefix) && this.#match(path.slice(prefix.length - 1)));
  }

  #match(path: string): boolean {
    return this.#patterns.some((pattern) => pattern.test(path));
  }
}

/** Sees a request, and lets it go on by calling `next`, or answers it. */
export type Forerunner = (request: IncomingMessage, response: object, next: () => void) => void;

/** Has every request seen before the platform's body parser, its CORS and all that the host does with it. */
export function comeFirst(host: HttpAdapterHost, see: Forerunner): void {
  // As soon as there is a platform, which in a testing module is later than this: what was added first runs first.
  host.init$.subscribe(() => {
    // None in an application that serves no HTTP.
    const platform = host.httpAdapter as HttpServer | undefined;
    if (platform?.getType?.() === 'fastify') {
      const fastify = platform.getInstance!() as FastifyLike;
      fastify.addHook('onRequest', ({ raw }, reply, done) => see(raw, reply, done));
    } else {
      platform?.use(see);
    }
  });
}

interface FastifyLike {
  addHook(name: 'onRequest', hook: (request: { raw: IncomingMessage }, reply: object, done: () => void) => void): void;
}
