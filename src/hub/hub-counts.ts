import type { Close } from '../protocol/index.js';

/** A connection that ended without a word of ours: its peer left, or broke off. */
export const ENDED_BY_PEER = 'peer';

/**
 * What a hub has done since it began. Plain numbers, added to once a publication, an audience or a flush, and read by
 * whoever wants to know: what is done a hundred thousand times a second has no listeners.
 */
export class HubCounts {
  /** Connections that were opened. */
  opened = 0;
  /** Publications that came, whether anybody wanted them or not. */
  publications = 0;
  /** Frames that connections were given, those included that were then merged into newer ones. */
  frames = 0;
  /** Bytes that transports were given; pings aside. */
  bytes = 0;
  /** Publications that were merged into newer ones before they left, of connections that have ended. */
  conflatedBefore = 0;
  readonly #closes = new Map<number | typeof ENDED_BY_PEER, number>();

  /** How many connections ended with each code. */
  get closes(): ReadonlyMap<number | typeof ENDED_BY_PEER, number> {
    return this.#closes;
  }

  closed(reason: Close | undefined): void {
    const code = reason?.code ?? ENDED_BY_PEER;
    this.#closes.set(code, (this.#closes.get(code) ?? 0) + 1);
  }
}
