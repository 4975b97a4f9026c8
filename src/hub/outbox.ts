import type { Transport } from './ports.js';

/** Bytes that the transport may hold before frames wait here instead, where newer states can still replace them. */
const HIGH_WATER_MARK = 256 * 1024;
/** Bytes that may wait for one connection in all. */
const LIMIT = 1024 * 1024;
const NOTHING = Buffer.alloc(0);
/** Empty places that are worth removing. */
const MANY_EMPTY = 256;

/**
 * The frames that wait for one connection. In a turn of the event loop they are collected, at its end they leave
 * together. Behind a slow reader they stay: a newer state takes the place of the older one of the same audience, and
 * where what cannot be replaced fills the limit, the connection is given up.
 */
export class Outbox {
  #frames: Buffer[] = [];
  /** Whose state each frame is, parallel to `#frames`; undefined for what nothing may replace. */
  #owners: (object | undefined)[] = [];
  #bytes = 0;
  /** Places that a newer state has left empty. */
  #emptied = 0;
  /** Where the frame of each audience waits. Exists only while the reader is behind. */
  #slots: Map<object, number> | undefined;
  /** How many states were replaced by newer ones before they left. */
  conflated = 0;

  constructor(
    private readonly transport: Transport,
    private readonly onOverflow: () => void,
  ) {}

  /** Bytes that wait, here and in the transport. */
  get queuedBytes(): number {
    return this.#bytes + this.transport.bufferedBytes;
  }

  get isEmpty(): boolean {
    return this.#frames.length === 0;
  }

  /** Adds a frame. A state names its audience as `owner`, and gives way to the next one of the same owner. */
  push(frame: Buffer, owner?: object): void {
    this.#place(frame, owner);
    // The transport's share counts only once there is a queue worth asking about: the getter walks the socket's state.
    if (!this.#slots && this.#bytes <= LIMIT - HIGH_WATER_MARK) return;
    // However much one turn or one frame brings, a reader that is not behind gets it: only what stays here counts.
    this.flush();
    if (!this.isEmpty && this.queuedBytes > LIMIT) this.onOverflow();
  }

  /** Hands everything to the transport, unless it still holds too much of what it was given before. */
  flush(): void {
    if (this.#frames.length === 0) return;
    if (this.transport.bufferedBytes > HIGH_WATER_MARK) {
      if (!this.#slots) this.#conflate();
      return;
    }
    const frames = this.#emptied > 0 ? this.#frames.filter((frame) => frame !== NOTHING) : this.#frames;
    this.discard();
    this.transport.write(frames);
  }

  discard(): void {
    this.#frames = [];
    this.#owners = [];
    this.#slots = undefined;
    this.#emptied = 0;
    this.#bytes = 0;
  }

  #place(frame: Buffer, owner: object | undefined): void {
    const slot = owner && this.#slots?.get(owner);
    if (slot !== undefined) {
      // Its place stays empty: the newer one must not overtake what was published between the two.
      this.#bytes -= this.#frames[slot]!.length;
      this.#frames[slot] = NOTHING;
      this.#owners[slot] = undefined;
      this.conflated++;
      if (++this.#emptied >= MANY_EMPTY) this.#conflate();
    }
    if (owner) this.#slots?.set(owner, this.#frames.length);
    this.#frames.push(frame);
    this.#owners.push(owner);
    this.#bytes += frame.length;
  }

  /** Keeps of the states that one audience has waiting only the newest, and closes the places that others left. */
  #conflate(): void {
    const [frames, owners] = [this.#frames, this.#owners];
    this.discard();
    this.#slots = new Map();
    for (const [index, frame] of frames.entries()) {
      if (frame !== NOTHING) this.#place(frame, owners[index]);
    }
  }
}
