import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DIALECTS, isDialectName } from '../../../src/dialects/index.js';
import { MetricastError } from '../../../src/protocol/index.js';

const COMMANDS = [
  'subscribe',
  'unsubscribe',
  'ping',
  'pong',
  'authenticate',
  'watch_events',
  'unwatch_events',
  'request_state',
  'presence',
  'refresh',
];
const TYPES = [...COMMANDS, 'request_metrics', 'get_history', 'toString', '__proto__', ''];
const FIELDS = [
  ...['id', 'data', 'channels', 'tags', 'format', 'compression', 'since', 'skill', 'token'],
  ...['tool_id', 'session_id', 'event_types', 'metric_type', 'channel', '__proto__'],
];

/** Any JSON, but with the words of the dialects often enough to get past the first check. */
const json: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(null, true, false, 0, -1, 1e308, '', 'snapshot', 'points', 'system.metrics', 'a\0b'),
    fc.string({ unit: 'binary' }),
    fc.double({ noNaN: true }),
    fc.array(tie('value')),
    fc.array(fc.constantFrom('system.metrics', 'skills.metrics', 'no channel', '__proto__')),
    fc.dictionary(fc.oneof(fc.constantFrom(...FIELDS), fc.string()), tie('value')),
  ),
})).value;
const frame = fc
  .tuple(fc.dictionary(fc.constantFrom(...FIELDS), json), fc.oneof(fc.constantFrom(...TYPES), json))
  // As a frame comes in: by a parser, with everything as a property of its own.
  .map(([fields, type]) => JSON.parse(JSON.stringify({ ...fields, type })) as Record<string, unknown>);

describe.each(Object.entries(DIALECTS))('whatever a client sends in %s', (_name, dialect) => {
  /** A command, or the error that the client is told. */
  function outcome(fields: Record<string, unknown>): { command: unknown } | { error: MetricastError } {
    try {
      return { command: dialect.parse(fields) };
    } catch (error) {
      expect(error).toBeInstanceOf(MetricastError);
      return { error: error as MetricastError };
    }
  }

  test('is a command, or an error that can be told', () => {
    let commands = 0;
    fc.assert(
      fc.property(frame, (fields) => {
        const said = outcome(fields);
        if ('command' in said) {
          commands++;
          expect(COMMANDS).toContain((said.command as { type: unknown }).type);
        } else {
          expect(['unknown_type', 'bad_subscription', 'not_supported', 'bad_request']).toContain(said.error.code);
          const message = dialect.renderError(said.error, 0, 7);
          // Each dialect has a field of its own for it.
          expect(Object.values(message)).toContain(said.error.message);
        }
      }),
      { numRuns: 3000 },
    );
    expect(commands).toBeGreaterThan(50);
  });

  test('comes back in no error', () => {
    const marked = fc.constantFrom('MARK<script>', 'x'.repeat(300)).map((text) => `${text}MARK`);
    fc.assert(
      fc.property(fc.constantFrom(...TYPES), fc.constantFrom(...FIELDS), marked, (type, field, text) => {
        const frames = [{ type: text }, { type, [field]: text }, { type, data: { channels: ['a'], [field]: text } }];
        for (const each of [...frames, { type, data: { channels: ['a'], tags: { [text]: text } } }]) {
          const said = outcome(each);
          if ('error' in said) expect(JSON.stringify(dialect.renderError(said.error, 0))).not.toContain('MARK');
        }
      }),
    );
  });

  test('leaves no trace in the prototypes of JavaScript', () => {
    for (const text of [
      '{"type":"subscribe","__proto__":{"polluted":1}}',
      '{"type":"subscribe","data":{"channels":["a.metrics"],"tags":{"__proto__":{"polluted":"1"}}}}',
      '{"type":"subscribe","data":{"channels":["a.metrics"],"tags":{"__proto__":"polluted"}}}',
      '{"type":"subscribe","data":{"channels":["__proto__"],"__proto__":{"format":"points"}}}',
      '{"type":"subscribe","skill":"__proto__"}',
    ]) {
      outcome(JSON.parse(text) as Record<string, unknown>);
    }
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
});

test('a dialect is known by its own name, and by no name of JavaScript', () => {
  for (const [name, dialect] of Object.entries(DIALECTS)) {
    expect(isDialectName(name)).toBe(true);
    expect(dialect.name).toBe(name);
  }
  for (const name of ['', 'Channels', 'toString', '__proto__', 'constructor']) expect(isDialectName(name)).toBe(false);
});
