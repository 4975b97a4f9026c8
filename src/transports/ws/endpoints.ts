import type { IncomingMessage } from 'node:http';
import type { Dialect } from '../../protocol/index.js';

/** What a WebSocket path speaks by default, by path. */
export type Endpoints = Readonly<Record<string, string>>;

/** Why an upgrade on one of our paths gets an HTTP answer instead of a WebSocket. */
export interface UpgradeRefusal {
  readonly status: 400 | 404 | 503;
}

export interface Endpoint {
  readonly dialect: Dialect;
  /** The subprotocol to confirm, of those that the client offered. */
  readonly subprotocol: string | undefined;
  readonly query: URLSearchParams;
  /** The token that the handshake brought; empty where it brought one that is none. */
  readonly token: string | undefined;
}

const DIALECT_PREFIX = 'metricast.';
const TOKEN_PREFIX = 'bearer.';

/** The table of our paths: finds what an upgrade request is for. */
export class EndpointTable {
  readonly #paths: ReadonlyMap<string, Dialect>;

  constructor(
    endpoints: Endpoints,
    private readonly dialects: Readonly<Record<string, Dialect>>,
  ) {
    this.#paths = new Map(Object.entries(endpoints).map(([path, name]) => [withoutSlash(path), this.#named(name)!]));
  }

  get paths(): readonly string[] {
    return [...this.#paths.keys()];
  }

  has(request: IncomingMessage): boolean {
    return this.#paths.has(pathOf(request));
  }

  /** The dialect by subprotocol, else by query, else by path. */
  find(request: IncomingMessage): Endpoint | UpgradeRefusal {
    const byPath = this.#paths.get(pathOf(request));
    if (!byPath) return { status: 404 };
    const query = new URLSearchParams(request.url!.split('?').slice(1).join('?'));
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((entry) => entry.trim());
    const confirmed = offered.find(
      (entry) => entry.startsWith(DIALECT_PREFIX) && this.#named(entry.slice(DIALECT_PREFIX.length)),
    );
    const byQuery = query.get('dialect');
    const dialect = confirmed
      ? this.#named(confirmed.slice(DIALECT_PREFIX.length))
      : byQuery === null
        ? byPath
        : this.#named(byQuery);
    if (!dialect) return { status: 400 };
    const bearer = offered.find((entry) => entry.startsWith(TOKEN_PREFIX));
    return {
      dialect,
      // A browser gives up where none of its offers is confirmed, so one that offers but a token gets that back.
      subprotocol: confirmed ?? bearer,
      query,
      token: bearer?.slice(TOKEN_PREFIX.length) ?? query.get('token') ?? undefined,
    };
  }

  #named(name: string): Dialect | undefined {
    return Object.hasOwn(this.dialects, name) ? this.dialects[name] : undefined;
  }
}

function pathOf({ url = '' }: IncomingMessage): string {
  return withoutSlash(url.split('?', 1)[0]!);
}

/** A path and the same with a slash at its end are one endpoint. */
export function withoutSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}
