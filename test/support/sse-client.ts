import { once } from 'node:events';
import { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { type SseEvent, SseParser } from './sse-parser.js';
import type { WireMessage } from './wire-client.js';

/** How a request was answered that got no stream. */
export interface Refusal {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

interface Waiting {
  readonly matches: (event: SseEvent) => boolean;
  readonly resolve: (event: SseEvent) => void;
  readonly reject: (error: Error) => void;
}

/** A stream of server-sent events as a test wants one: keeps what it received until it is asked for, and waits for what is to come. */
export class SseClient {
  /** What was received and not asked for yet, oldest first. */
  readonly unread: SseEvent[] = [];
  /** The body up to now. */
  raw = '';
  /** Resolves when the stream has ended, in whichever way. */
  readonly closed: Promise<void>;
  readonly #parser = new SseParser();
  readonly #waiting: Waiting[] = [];

  private constructor(
    readonly request: ClientRequest,
    readonly response: IncomingMessage,
  ) {
    response.setEncoding('utf8');
    response.on('data', (text: string) => {
      this.raw += text;
      for (const event of this.#parser.read(text)) this.#receive(event);
    });
    response.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      response.on('close', () => {
        resolve();
        for (const { reject } of this.#waiting.splice(0)) reject(new Error('the stream has ended'));
      });
    });
  }

  /** Connects; does not wait for more than the head of the response. @throws Error where that is not a stream. */
  static async open(url: string, headers: Record<string, string> = {}): Promise<SseClient> {
    const [sent, response] = await requestOf(url, headers);
    if (response.statusCode === 200) return new SseClient(sent, response);
    throw new Error(`${response.statusCode} ${await textOf(response)}`);
  }

  /** What a request is answered that gets no stream. */
  static async refusal(url: string, headers: Record<string, string> = {}): Promise<Refusal> {
    const [sent, response] = await requestOf(url, headers);
    if (response.statusCode === 200) {
      sent.destroy();
      throw new Error('the stream has begun');
    }
    const body: unknown = JSON.parse(await textOf(response));
    return { status: response.statusCode!, headers: response.headers, body };
  }

  /** Comments up to now. */
  get comments(): number {
    return this.#parser.comments;
  }

  /** The newest time to wait before connecting again, in milliseconds. */
  get retry(): number | undefined {
    return this.#parser.retry;
  }

  /** The next event, or the next one whose message has these fields; those before it are dropped. */
  next(fields: WireMessage = {}): Promise<SseEvent> {
    return this.find(({ message }) => Object.entries(fields).every(([name, value]) => message[name] === value));
  }

  /** The next event of this type. */
  nextOf(type: string): Promise<SseEvent> {
    return this.find((event) => event.type === type);
  }

  find(matches: (event: SseEvent) => boolean): Promise<SseEvent> {
    while (this.unread.length > 0) {
      const event = this.unread.shift()!;
      if (matches(event)) return Promise.resolve(event);
    }
    if (this.response.closed) return Promise.reject(new Error('the stream has ended'));
    return new Promise((resolve, reject) => this.#waiting.push({ matches, resolve, reject }));
  }

  /** Goes away. */
  async close(): Promise<void> {
    this.response.destroy();
    await this.closed;
  }

  #receive(event: SseEvent): void {
    const index = this.#waiting.findIndex(({ matches }) => matches(event));
    if (index >= 0) this.#waiting.splice(index, 1)[0]!.resolve(event);
    else if (this.#waiting.length === 0) this.unread.push(event);
  }
}

async function requestOf(url: string, headers: Record<string, string>): Promise<[ClientRequest, IncomingMessage]> {
  const sent = request(url, { headers, agent: false });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  sent.on('error', () => undefined);
  return [sent, response];
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  return text;
}
