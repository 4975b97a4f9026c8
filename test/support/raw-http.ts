import { once } from 'node:events';
import { type Socket, connect } from 'node:net';

/** A connection on which a test speaks HTTP by hand, and sees the answer as it came. */
export class RawHttp {
  /** All that came, head and body. */
  received = '';
  readonly closed: Promise<unknown>;

  private constructor(readonly socket: Socket) {
    socket.setEncoding('latin1').on('data', (text: string) => (this.received += text));
    socket.on('error', () => undefined);
    this.closed = once(socket, 'close');
  }

  /** Connects; a half-open one stays so after the server has ended its side. */
  static async open(port: number, allowHalfOpen = false): Promise<RawHttp> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen });
    await once(socket, 'connect');
    return new RawHttp(socket);
  }

  /** Sends a request, `METHOD PATH HTTP/VERSION`, with these header lines. */
  send(request: string, ...headers: string[]): void {
    this.socket.write([request, 'Host: localhost', ...headers, '', ''].join('\r\n'));
  }

  /** Resolves with all that came once this is in it. */
  async until(part: string): Promise<string> {
    while (!this.received.includes(part)) {
      if (this.socket.destroyed) throw new Error(`closed after: ${this.received}`);
      await Promise.race([once(this.socket, 'data'), this.closed]);
    }
    return this.received;
  }

  /** The head of the first answer, as it came, and what came after it. */
  get parts(): [head: string, body: string] {
    const end = this.received.indexOf('\r\n\r\n');
    return [this.received.slice(0, end), this.received.slice(end + 4)];
  }

  close(): void {
    this.socket.destroy();
  }
}
