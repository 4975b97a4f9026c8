import type { DialectName } from '../../src/dialects/index.js';
import { DEFAULT_ENDPOINTS } from '../../src/metricast.options.js';
import { tokenWith } from './app.js';
import type { RunningHost } from './host.js';
import { type Heard, Listener } from './listener.js';
import { SseClient } from './sse-client.js';
import { WireClient } from './wire-client.js';

/** How somebody connects; by default with a good token of the tenant `acme`. */
interface Connecting {
  readonly claims?: object;
  /** Null for none. */
  readonly token?: string | null;
  readonly query?: string;
}

/** A server, and all who listen to it. */
export class Stage {
  readonly heard: Heard[] = [];
  readonly listeners: Listener[] = [];
  #subjects = 0;

  constructor(readonly host: RunningHost) {}

  async open(dialect: DialectName, connecting: Connecting = {}): Promise<Listener> {
    const [path] = Object.entries(DEFAULT_ENDPOINTS).find(([, name]) => name === dialect)!;
    return this.#listen(dialect, await WireClient.open(this.host.url(`${path}?${this.#query(connecting)}`, 'ws')));
  }

  async stream(dialect: DialectName, connecting: Connecting = {}): Promise<Listener> {
    const url = this.host.url(`/stream/metrics?dialect=${dialect}&${this.#query(connecting)}`);
    return this.#listen(dialect, await SseClient.open(url));
  }

  async post(what: string, items: unknown): Promise<void> {
    const [status, body] = await this.host.post(`/ingest/${what}`, items, { authorization: `Bearer ${tokenWith()}` });
    if (status !== 202) throw new Error(JSON.stringify(body));
  }

  /** Everybody is somebody else, with a budget of their own. */
  #query({ claims, token, query = '' }: Connecting): string {
    const own = token === undefined ? tokenWith({ sub: `listener ${++this.#subjects}`, ...claims }) : token;
    return own === null ? query : `token=${own}&${query}`;
  }

  #listen(dialect: DialectName, client: WireClient | SseClient): Listener {
    const listener = new Listener(client, dialect, this.heard);
    this.listeners.push(listener);
    return listener;
  }
}
