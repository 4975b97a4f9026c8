import { type Closing, WireClient, type WireMessage } from './wire-client.js';

export type Encoding = 'JSON' | 'MessagePack';
export const ENCODINGS: readonly Encoding[] = ['JSON', 'MessagePack'];

/** A client of the `channels` dialect that speaks, and is spoken to in, one encoding. */
export class ChannelsClient {
  #lastId = 0;
  /** Frames that came in the other encoding. */
  #strays = 0;

  private constructor(
    readonly wire: WireClient,
    readonly encoding: Encoding,
    readonly welcome: WireMessage,
  ) {}

  static async open(url: string, encoding: Encoding): Promise<ChannelsClient> {
    const wire = await WireClient.open(url);
    const client = new ChannelsClient(wire, encoding, await wire.next());
    // The only way to turn the encoding is a subscribe; ending it again leaves nothing but the encoding.
    if (encoding === 'MessagePack') {
      await client.subscribe(['alerts.events'], { compression: true });
      await client.ask({ type: 'unsubscribe' });
    }
    wire.socket.on('message', (_data, isBinary) => {
      if (isBinary !== (encoding === 'MessagePack')) client.#strays++;
    });
    return client;
  }

  get closed(): Promise<Closing> {
    return this.wire.closed;
  }

  send(message: WireMessage): void {
    if (this.encoding === 'JSON') this.wire.send(message);
    else this.wire.sendMessagePack(message);
  }

  /** Sends a command with an id of its own and waits for the first answer that bears it. */
  ask(command: WireMessage): Promise<WireMessage> {
    const id = `ask ${++this.#lastId}`;
    this.send({ ...command, id });
    return this.next({ id });
  }

  /** Subscribes and waits for the first answer: the ack, or an error. */
  subscribe(channels: readonly string[], options: WireMessage = {}): Promise<WireMessage> {
    return this.ask({ type: 'subscribe', data: { channels, ...options } });
  }

  next(fields: WireMessage = {}): Promise<WireMessage> {
    return this.wire.next(fields);
  }

  /** The next message of a channel. */
  nextOf(channel: string): Promise<WireMessage> {
    return this.wire.find((message) => message['channel'] === channel && message['type'] !== 'error');
  }

  /** Whatever came and is still to come from what the server has done up to now, oldest first. */
  async settled(): Promise<WireMessage[]> {
    const id = `settled ${++this.#lastId}`;
    this.send({ type: 'ping', id });
    // What was sent before the answer arrives before it.
    return (await this.wire.upTo({ id })).slice(0, -1);
  }

  /** Closes. @throws Error where the server did not keep to the encoding. */
  async close(): Promise<void> {
    await this.wire.close();
    if (this.#strays > 0) throw new Error(`${this.#strays} frames were not ${this.encoding}`);
  }
}
