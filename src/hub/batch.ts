import type { Delivery } from './delivery.js';

/** Bytes that a piece has at least. */
const PIECE = 64 * 1024;

/**
 * What one turn of the event loop brought to some connections: the same deliveries in the same order. Connections share
 * it as long as they get the same, so that its bytes are put together once for all of them, however many there are.
 *
 * Batches are a tree: each one continues another by one delivery. Members of an audience are given a delivery one after
 * the other, so nearly always the way that the last one went is the way of the next.
 */
export class Batch {
  #next: Batch | undefined;
  /** Further continuations, where connections with the same batch got different deliveries next. */
  #others: Map<Delivery, Batch> | undefined;
  #bytes: Buffer | undefined;
  #pieces: readonly Buffer[] | undefined;

  private constructor(
    private readonly before: Batch | undefined,
    private readonly last: Delivery | undefined,
    /** Bytes of all deliveries together. */
    readonly length: number,
  ) {}

  /** The batch in which nothing came yet: what a turn begins with. */
  static empty(): Batch {
    return new Batch(undefined, undefined, 0);
  }

  /** This batch and one delivery more. */
  and(delivery: Delivery): Batch {
    if (this.#next?.last === delivery) return this.#next;
    // Nobody else is given what is no publication: there is nothing to share, so nothing to remember.
    if (!delivery.published) return this.#continuedBy(delivery);
    const known = this.#others?.get(delivery);
    if (known) return (this.#next = known);
    const batch = this.#continuedBy(delivery);
    if (this.#next) (this.#others ??= new Map([[this.#next.last!, this.#next]])).set(delivery, batch);
    return (this.#next = batch);
  }

  /** All its frames in one piece. To copy them once is cheaper than what a stream does for each write. */
  get bytes(): Buffer {
    // A batch of one is that frame, which all batches of it share.
    if (!this.before?.last) return this.last!.frame;
    return (this.#bytes ??= Buffer.concat(
      this.deliveries.map(({ frame }) => frame),
      this.length,
    ));
  }

  /** The same in pieces of whole frames, where it is large: between two, a reader can show how far it is. */
  get pieces(): readonly Buffer[] {
    return (this.#pieces ??= this.#cut());
  }

  /** Oldest first. */
  get deliveries(): Delivery[] {
    const deliveries = this.last ? [this.last] : [];
    for (let { before } = this; before?.last; { before } = before) deliveries.push(before.last);
    return deliveries.reverse();
  }

  #cut(): readonly Buffer[] {
    if (this.length <= PIECE) return [this.bytes];
    const pieces: Buffer[] = [];
    let [start, end] = [0, 0];
    for (const { frame } of this.deliveries) {
      end += frame.length;
      if (end - start >= PIECE || end === this.length) {
        pieces.push(this.bytes.subarray(start, end));
        start = end;
      }
    }
    return pieces;
  }

  #continuedBy(delivery: Delivery): Batch {
    return new Batch(this, delivery, this.length + delivery.frame.length);
  }
}
