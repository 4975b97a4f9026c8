import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DIALECTS } from '../../../src/dialects/index.js';
import { MetricastError } from '../../../src/protocol/index.js';
import { greetingWith } from '../../support/greetings.js';

const NAMES = ['channels', 'tags', 'format', 'skill', 'tool_id', 'session_id', 'event_types', 'token', '__proto__'];
const value = fc.oneof(
  fc.constantFrom('', 'a', 'a.metrics,b.events', ',', '{"env":"a"}', '{"env":', '[]', 'null', 'points', 'a\0b'),
  fc.string({ unit: 'binary', maxLength: 300 }),
);
const query = fc
  .array(fc.tuple(fc.oneof(fc.constantFrom(...NAMES), fc.string()), value), { maxLength: 6 })
  .map((pairs) => new URLSearchParams(pairs));

describe.each(Object.entries(DIALECTS))('whatever the address of a connection says in %s', (_name, dialect) => {
  test('asks for subscriptions, or is an error that can be told', () => {
    let commands = 0;
    fc.assert(
      fc.property(query, (asked) => {
        try {
          for (const command of dialect.open(asked)) {
            expect(['subscribe', 'watch_events']).toContain(command.type);
            commands++;
          }
        } catch (error) {
          expect(error).toBeInstanceOf(MetricastError);
          expect((error as MetricastError).code).toBe('bad_subscription');
        }
      }),
      { numRuns: 1000 },
    );
    expect(commands).toBeGreaterThan(30);
  });

  test('comes back in no error', () => {
    const marked = fc.constantFrom(
      'MARK<script>',
      `${'x'.repeat(300)}MARK`,
      '{"MARK":{}}',
      '{"MARK',
      '"MARK"',
      'MARK\n',
    );
    fc.assert(
      fc.property(fc.constantFrom(...NAMES), marked, (name, text) => {
        try {
          dialect.open(
            new URLSearchParams([
              ['channels', 'a.metrics'],
              [name, text],
            ]),
          );
        } catch (error) {
          expect(JSON.stringify(dialect.renderError(MetricastError.from(error), 0))).not.toContain('MARK');
        }
      }),
    );
  });

  test('is greeted, with what can be said in JSON', () => {
    fc.assert(
      fc.property(query, (asked) => {
        for (const message of dialect.greet(greetingWith({ query: asked }))) {
          expect(JSON.stringify(message).length).toBeLessThan(1000);
        }
      }),
    );
  });
});
