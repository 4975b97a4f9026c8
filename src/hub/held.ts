import type { Publication } from '../protocol/index.js';

/** Says of a publication whether it was sent by other means. */
export type WasSent = (publication: Publication) => boolean;

/** What a subscription is kept from until its connection was sent what came before. */
export class Held {
  readonly #publications: Publication[] = [];
  readonly #arrivals: number[] = [];
  #next = 0;
  #wasSent: WasSent | undefined;
  /** What came from here on, came after the release. */
  #end = 0;

  /** From then on what is kept leaves, a part at a time, and what comes meanwhile behind it. */
  get isReleased(): boolean {
    return this.#wasSent !== undefined;
  }

  /** How many are kept. */
  get length(): number {
    return this.#publications.length - this.#next;
  }

  /** Oldest first. */
  get publications(): readonly Publication[] {
    return this.#next === 0 ? this.#publications : this.#publications.slice(this.#next);
  }

  /** When the oldest one came; never where nothing is kept. */
  get firstArrival(): number {
    return this.#arrivals[this.#next] ?? Infinity;
  }

  /** @param arrival counts what is kept, for whichever subscription. */
  add(publication: Publication, arrival: number): void {
    this.#publications.push(publication);
    this.#arrivals.push(arrival);
  }

  /** @param wasSent is asked of what is kept by now, and not of what is yet to come. */
  release(wasSent: WasSent): void {
    this.#wasSent = wasSent;
    this.#end = this.#publications.length;
  }

  /** Takes the oldest one, of those that there are; `undefined` where that was sent. */
  take(): Publication | undefined {
    const at = this.#next++;
    const publication = this.#publications[at]!;
    return at < this.#end && this.#wasSent!(publication) ? undefined : publication;
  }
}
