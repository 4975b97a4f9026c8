import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SSE_HEARTBEAT, SSE_PRELUDE, sseFraming } from '../../../../src/transports/sse/sse-framing.js';
import { type SseEvent, SseParser } from '../../../support/sse-parser.js';

/** What a client makes of these bytes, however they are cut into pieces. */
function read(bytes: Buffer, pieceLength = bytes.length, parser = new SseParser()): SseEvent[] {
  const text = bytes.toString('latin1');
  const events: SseEvent[] = [];
  for (let at = 0; at < text.length; at += pieceLength) events.push(...parser.read(text.slice(at, at + pieceLength)));
  return events;
}

/** Texts that would end a line, an event or the JSON, if they could. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '\n',
    '\r',
    '\r\n\r\n',
    '\n\ndata: {}\n\n',
    '\u2028',
    '\u2029',
    '\0',
    '"}\n',
    'event: error',
    ':',
    ' ',
  ),
);
const message = fc.dictionary(text, fc.oneof(text, fc.array(text), fc.double(), fc.constant(null)), { maxKeys: 5 });
const head = fc.record(
  { cursor: fc.constantFrom('a.metrics@e:1', 'b.events@7-7:12'), isError: fc.boolean() },
  { requiredKeys: [] },
);

describe('server-sent events', () => {
  test('hold one message each, in one line, whatever the message says', () => {
    fc.assert(
      fc.property(message, head, fc.integer({ min: 1, max: 50 }), (said, about, pieceLength) => {
        const events = read(sseFraming.frame(said, about), pieceLength);

        const json = JSON.stringify(said);
        expect(events).toHaveLength(1);
        expect(events[0]).toMatchObject({
          type: about.isError ? 'error' : 'metrics',
          id: about.cursor,
          lines: 1,
          data: Buffer.from(json).toString('latin1'),
        });
      }),
    );
  });

  test('stay apart where several come in one piece, with heartbeats between', () => {
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 10 }), (messages) => {
        const parser = new SseParser();
        const frames = messages.flatMap((said) => [sseFraming.frame(said), SSE_HEARTBEAT]);
        const events = read(Buffer.concat([SSE_PRELUDE, ...frames]), undefined, parser);

        expect(events.map(({ lines }) => lines)).toEqual(messages.map(() => 1));
        expect(parser.comments).toBe(messages.length);
        expect(parser.retry).toBe(3000);
      }),
    );
  });

  test('are the bytes that they are documented to be', () => {
    expect(sseFraming.frame({ a: 'ö\n' }).toString()).toBe('event: metrics\ndata: {"a":"ö\\n"}\n\n');
    expect(sseFraming.frame({ a: 1 }, { cursor: 'a.metrics@e:1' }).toString()).toBe(
      'event: metrics\nid: a.metrics@e:1\ndata: {"a":1}\n\n',
    );
    expect(sseFraming.frame({ error: 'x' }, { isError: true }).toString()).toBe(
      'event: error\ndata: {"error":"x"}\n\n',
    );
    expect(SSE_HEARTBEAT.toString()).toBe(': heartbeat\n\n');
  });
});
