import type { Framing } from '../../src/hub/index.js';
import {
  type Command,
  type Dialect,
  type Format,
  type Publication,
  type Reply,
  type WireMessage,
  MetricastError,
} from '../../src/protocol/index.js';

/** A vocabulary for tests of what is around dialects: says all that it is told, and counts how often it was asked. */
export class PlainDialect implements Dialect {
  renders = 0;

  constructor(readonly name = 'plain') {}

  open(): Command[] {
    return [];
  }

  greet(): WireMessage[] {
    return [];
  }

  /** Commands in this dialect are what they are inside. */
  parse(frame: Readonly<Record<string, unknown>>): Command {
    if (typeof frame['type'] !== 'string') throw new MetricastError('unknown_type');
    return frame as unknown as Command;
  }

  render({ channel, message, offset }: Publication, format: Format): WireMessage[] {
    this.renders++;
    if (message.kind === 'state' && format === 'points') {
      return message.points().map(({ name, value }) => ({ channel, name, value, offset }));
    }
    const head = { dialect: this.name, channel, kind: message.kind };
    switch (message.kind) {
      case 'sample': {
        const { name, type, tags, value, summary } = message;
        return [{ ...head, name, type, tags, data: value, ...summary, offset }];
      }
      case 'event':
        return [{ ...head, type: message.type, data: message.data, offset }];
      case 'state':
        return [{ ...head, data: message.data, offset }];
      case 'failure':
        return [{ ...head, data: null, offset }];
    }
  }

  renderReply(reply: Reply): WireMessage {
    return { reply: reply.type };
  }

  renderError({ code, details }: MetricastError, _now: number, id?: string | number): WireMessage {
    return { error: code, id, retry_after: details.retryAfter };
  }
}

/** Frames that a test can read: JSON, a line each. */
export function lineFraming(name = 'lines'): Framing & { frames: number } {
  return {
    name,
    /** How many were made. */
    frames: 0,
    frame(message) {
      this.frames++;
      return Buffer.from(`${JSON.stringify(message)}\n`);
    },
  };
}
