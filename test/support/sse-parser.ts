import type { WireMessage } from './wire-client.js';

/** One server-sent event. */
export interface SseEvent {
  /** `message` where the stream named none. */
  readonly type: string;
  /** As this very event has it; undefined where it has none. */
  readonly id: string | undefined;
  /** How many `data:` lines it came in. */
  readonly lines: number;
  readonly data: string;
  /** The JSON in it. */
  readonly message: WireMessage;
}

/**
 * Understands a stream as browsers do, but for what no stream of ours has, which it throws for.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export class SseParser {
  comments = 0;
  /** The newest time to wait before connecting again, in milliseconds. */
  retry: number | undefined;
  #rest = '';
  #fields = noFields();

  /** The events that are complete with this piece of the stream. */
  *read(text: string): Generator<SseEvent> {
    // The server ends its lines with a line feed. A stray carriage return would end one here too, as it does in browsers.
    const lines = (this.#rest + text).split(/\r\n|\n|\r/);
    this.#rest = lines.pop()!;
    for (const line of lines) {
      if (line !== '') this.#note(line);
      else if (this.#fields.data.length > 0) yield this.#event();
      else this.#fields = noFields();
    }
  }

  #note(line: string): void {
    const fields = this.#fields;
    const [, name, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line)!;
    if (name === '') this.comments++;
    else if (name === 'event') fields.type = value;
    else if (name === 'id') fields.id = value;
    else if (name === 'data') fields.data.push(value);
    else if (name === 'retry') this.retry = Number(value);
    else throw new Error(`an unknown field: ${line}`);
  }

  #event(): SseEvent {
    const { type, id, data: lines } = this.#fields;
    this.#fields = noFields();
    const data = lines.join('\n');
    return { type, id, lines: lines.length, data, message: JSON.parse(data) as WireMessage };
  }
}

function noFields() {
  return { type: 'message', id: undefined as string | undefined, data: [] as string[] };
}
