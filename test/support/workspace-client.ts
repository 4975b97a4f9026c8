import { type Closing, WireClient, type WireMessage } from './wire-client.js';

/** A client of the `workspace` dialect, greeted. */
export class WorkspaceClient {
  private constructor(
    readonly wire: WireClient,
    readonly connected: WireMessage,
  ) {}

  static async open(url: string): Promise<WorkspaceClient> {
    const wire = await WireClient.open(url);
    return new WorkspaceClient(wire, await wire.next());
  }

  get closed(): Promise<Closing> {
    return this.wire.closed;
  }

  send(message: WireMessage): void {
    this.wire.send(message);
  }

  next(fields: WireMessage = {}): Promise<WireMessage> {
    return this.wire.next(fields);
  }

  find(matches: (message: WireMessage) => boolean): Promise<WireMessage> {
    return this.wire.find(matches);
  }

  /** Subscribes and waits for the acknowledgement. Errors and events before it are dropped. */
  subscribe(...types: string[]): Promise<WireMessage> {
    this.send({ type: 'subscribe', event_types: types });
    return this.next({ event: 'subscribed' });
  }

  /** Ends the subscriptions to these types and waits for the acknowledgement. */
  unsubscribe(...types: string[]): Promise<WireMessage> {
    this.send({ type: 'unsubscribe', event_types: types });
    return this.next({ event: 'unsubscribed' });
  }

  /** Whatever came and is still to come from what the server has done up to now, oldest first. */
  async settled(): Promise<WireMessage[]> {
    this.send({ type: 'ping' });
    // What was sent before the answer arrives before it.
    return (await this.wire.upTo({ event: 'pong' })).slice(0, -1);
  }

  close(): Promise<void> {
    return this.wire.close();
  }
}
