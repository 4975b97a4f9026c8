import type { DialectName } from '../../src/dialects/index.js';
import { claimOf } from './claims.js';
import { SseClient } from './sse-client.js';
import type { WireClient, WireMessage } from './wire-client.js';

/** Something that a server sent. */
export interface Heard {
  readonly transport: 'websocket' | 'sse';
  readonly dialect: DialectName;
  readonly message: WireMessage;
  /** What it claims to be. */
  readonly claim: string;
}

/** Beyond which nothing comes any more that does not come by itself. */
const PATIENCE_MILLIS = 20_000;

/** A client that notes down everything that it hears, from its first message to its last. */
export class Listener {
  readonly #claims = new Set<string>();
  readonly #waiting = new Map<string, () => void>();
  /** Resolves when it has heard the last. */
  readonly ended: Promise<void>;

  constructor(
    private readonly client: WireClient | SseClient,
    private readonly dialect: DialectName,
    private readonly heard: Heard[],
  ) {
    this.ended = this.#listen();
  }

  send(message: WireMessage): void {
    this.#socket.send(message);
  }

  sendRaw(data: string | Uint8Array): void {
    this.#socket.sendRaw(data);
  }

  /** Resolves once it has heard a message of each of these claims. @throws Error that names the one it waits for in vain. */
  async hears(...claims: string[]): Promise<void> {
    for (const claim of claims) {
      if (this.#claims.has(claim)) continue;
      await new Promise<void>((resolve, reject) => {
        const giveUp = () => {
          clearTimeout(deadline);
          reject(new Error(`${this.#transport} ${this.dialect} hears no ${claim}`));
        };
        const deadline = setTimeout(giveUp, PATIENCE_MILLIS);
        this.#waiting.set(claim, () => {
          clearTimeout(deadline);
          resolve();
        });
        void this.ended.then(giveUp);
      });
    }
  }

  get #transport(): Heard['transport'] {
    return this.client instanceof SseClient ? 'sse' : 'websocket';
  }

  get #socket(): WireClient {
    if (this.client instanceof SseClient) throw new Error('a stream cannot be talked to');
    return this.client;
  }

  async #listen(): Promise<void> {
    for (;;) {
      const message = await this.#next();
      if (!message) return;
      const claim = 'reconnect' in message ? 'streamEnd' : claimOf(this.dialect, message);
      this.heard.push({ transport: this.#transport, dialect: this.dialect, message, claim });
      this.#claims.add(claim);
      this.#waiting.get(claim)?.();
    }
  }

  async #next(): Promise<WireMessage | undefined> {
    try {
      return this.client instanceof SseClient ? (await this.client.next()).message : await this.client.next();
    } catch {
      // That is how both clients say that nothing comes any more.
      return undefined;
    }
  }
}
