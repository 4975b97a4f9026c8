import { CLOSE, type Millis } from '../protocol/index.js';
import type { Connection } from './connection.js';
import type { Hub } from './hub.js';

/**
 * Pings every connection once a heartbeat, and lets go of those that stayed silent for two, and of those whose token
 * ended. One sweep over all connections at a time, never a timer each; the pings are as spread as the connects were.
 */
export class Liveness {
  constructor(
    private readonly hub: Hub,
    /** In milliseconds. */
    private readonly heartbeat: Millis,
  ) {}

  /** How often to sweep: often enough that a token's end is noticed within a second, also by a timer that is late. */
  get sweepInterval(): Millis {
    return Math.min(500, this.heartbeat / 4);
  }

  sweep(now: Millis): void {
    // Heartbeats say nothing but the time, so those of one sweep are the same bytes for a dialect and framing.
    const frames = new Map<string, Buffer>();
    for (const connection of this.hub.connections.values()) {
      if (connection.principal.expiresAt <= now) {
        this.hub.close(connection, CLOSE.tokenExpired);
      } else if (connection.transport.canAnswer && now - connection.lastHeardAt >= 2 * this.heartbeat) {
        this.hub.close(connection, CLOSE.silent);
        connection.transport.terminate();
      } else if (connection.nextPingAt === 0) {
        connection.nextPingAt = connection.connectedAt + this.heartbeat;
      } else if (now >= connection.nextPingAt) {
        connection.nextPingAt = now + this.heartbeat;
        this.#ping(connection, now, frames);
      }
      // Where nothing more is published, nothing else would notice that it has waited too long.
      this.hub.drain(connection);
    }
  }

  #ping(connection: Connection, now: Millis, frames: Map<string, Buffer>): void {
    this.hub.ping(connection);
    const { dialect, framing } = connection;
    if (!dialect.heartbeat) return;
    const key = `${dialect.name} ${framing.name}`;
    let frame = frames.get(key);
    if (!frame) frames.set(key, (frame = framing.frame(dialect.heartbeat(now))));
    this.hub.sendFrame(connection, frame);
  }
}
