import { RawWebSocket } from '../harness/raw-websocket.js';
import { TIMED_NAME, steadyMillis } from './load.js';

/** A point that says when it was sent, and when it was received. */
export interface Delivery {
  readonly sentAt: number;
  readonly receivedAt: number;
}

const TIMED = Buffer.from(`"name":"${TIMED_NAME}"`);

/** A WebSocket client on one channel, which looks into the timed points alone and counts the others. */
export class Subscriber {
  deliveries: Delivery[] = [];
  received = 0;

  private constructor(private readonly socket: RawWebSocket) {
    socket.onFrame((payload) => {
      this.received++;
      if (!payload.includes(TIMED)) return;
      const { value } = JSON.parse(payload.toString()) as { value: number };
      this.deliveries.push({ sentAt: value, receivedAt: steadyMillis() });
    });
  }

  static async open(port: number, channel: string): Promise<Subscriber> {
    const socket = await RawWebSocket.open(port, '/ws/metrics');
    await socket.request({ type: 'subscribe', data: { channels: [channel] } }, '"subscribed"');
    return new Subscriber(socket);
  }

  /** A server cuts a client that does not read fast enough; then its figures are worth nothing. */
  get isCut(): boolean {
    return this.socket.isClosed;
  }

  end(): Promise<void> {
    return this.socket.end();
  }
}
