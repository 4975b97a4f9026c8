import { ChannelsClient } from './channels-client.js';
import type { WireMessage } from './wire-client.js';

type Take = (message: WireMessage, before: number) => void;

/** A client that watches channels for long: it takes each message as it comes, and keeps none. */
export class Follower {
  /** Of each channel, the offset that it stood at when this one came, and that of the newest message. */
  readonly since = new Map<string, number>();
  readonly offsets = new Map<string, number>();
  /** Of each channel, when the newest message was made. */
  readonly #made = new Map<string, number>();
  #isOpen = true;

  private constructor(private readonly client: ChannelsClient) {}

  /**
   * Connects and subscribes.
   *
   * @param take is given every message that was published since, and the offset of the one before it.
   */
  static async open(url: string, channels: readonly string[], take: Take): Promise<Follower> {
    const client = await ChannelsClient.open(url, 'JSON');
    const follower = new Follower(client);
    const { positions } = await client.subscribe(channels);
    for (const [channel, { offset }] of Object.entries(positions as Record<string, { offset: number }>)) {
      follower.since.set(channel, offset);
      follower.offsets.set(channel, offset);
    }
    void client.closed.then(() => (follower.#isOpen = false));
    follower.#follow(take);
    return follower;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Of each channel, how long ago the newest was made that it has seen, in milliseconds. */
  ages(now: number): Map<string, number> {
    return new Map([...this.offsets.keys()].map((channel) => [channel, now - (this.#made.get(channel) ?? 0)]));
  }

  close(): Promise<void> {
    return this.client.close();
  }

  #follow(take: Take): void {
    const nothing = this.client.wire.find((message) => {
      const { channel, offset, timestamp } = message as { channel?: string; offset: number; timestamp: string };
      if (channel === undefined) return false;
      this.#made.set(channel, Date.parse(timestamp));
      // What is shown at once, between two ticks, was published before.
      if (offset === this.offsets.get(channel)) return false;
      take(message, this.offsets.get(channel)!);
      this.offsets.set(channel, offset);
      return false;
    });
    // It ends with the connection, which `isOpen` tells.
    nothing.catch(() => undefined);
  }
}
