import { setImmediate } from 'node:timers/promises';
import { BROKER, type Broker } from '../../src/broker/index.js';
import { type Connection, Hub } from '../../src/hub/index.js';
import type { Message } from '../../src/protocol/index.js';
import type { TestApp } from './app.js';
import { channelName, stateFor } from './publications.js';
import { tenantId } from './principals.js';
import type { TestTenant } from './test-tenant.js';

/** So that some dozens fill what the kernel keeps between the two ends. */
export const LARGE = 'x'.repeat(100_000);

/** What a client has below it, as far as it can stop reading. */
interface Pausable {
  pause(): unknown;
  resume(): unknown;
}

/** The newest client of a tenant, which stops reading for a while; and the server's end of its connection. */
export class StallingReader {
  readonly connection: Connection;
  readonly #broker: Broker;

  constructor(
    app: TestApp,
    private readonly tenant: TestTenant,
    private readonly socket: Pausable,
  ) {
    this.#broker = app.app.get<Broker>(BROKER, { strict: false });
    const connections = [...app.app.get(Hub, { strict: false }).connections.values()];
    this.connection = connections.findLast(({ principal }) => principal.tenant === tenant.id)!;
  }

  publish(channel: string, ...messages: Message[]): Promise<void> {
    const common = { tenant: tenantId(this.tenant.id), channel: channelName(channel) };
    return this.#broker.publish(messages.map((message) => ({ ...common, message })));
  }

  /** Publishes until that is so. How many it took is the result. */
  async publishUntil(isReached: () => boolean, channel: string, of: (count: number) => Message): Promise<number> {
    let count = 0;
    while (!isReached()) {
      if (count === 2000) throw new Error('nothing holds it back');
      await this.publish(channel, of(++count));
      // The socket writes, and the hub flushes, between two turns.
      await setImmediate();
    }
    return count;
  }

  /**
   * Stops reading, and resolves when so much is under way that what is published from now on waits: states of this
   * channel, which nobody else should watch.
   */
  async stall(channel: string): Promise<void> {
    this.socket.pause();
    const filler = (timestamp: number) => stateFor(undefined, { timestamp, data: { text: LARGE } });
    await this.publishUntil(() => this.connection.outbox.conflated > 0, channel, filler);
  }

  readOn(): void {
    this.socket.resume();
  }
}
