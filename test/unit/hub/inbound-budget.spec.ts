import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InboundBudget } from '../../../src/hub/index.js';
import { principalWith, tenantId } from '../../support/principals.js';

const START = Date.UTC(2026, 10, 21);

const of = (subject: string) => principalWith({ subject });

/** How many of `count` messages at this instant pass. */
function passed(budget: InboundBudget, count: number, now: number, subject = 'ada'): number {
  return Array.from({ length: count }, () => budget.take(of(subject), now)).filter((retryAfter) => retryAfter === 0)
    .length;
}

describe('a budget of inbound messages', () => {
  test('lets through as many a minute as it may, and none more', () => {
    const budget = new InboundBudget(() => 10);
    expect(passed(budget, 8, START)).toBe(8);
    expect(passed(budget, 5, START + 59_999)).toBe(2);
  });

  test('is whole again a minute after its first message', () => {
    const budget = new InboundBudget(() => 10);
    passed(budget, 20, START);
    expect(passed(budget, 20, START + 60_000)).toBe(10);
  });

  test('says in whole seconds when to come again, and then there is room', () => {
    const budget = new InboundBudget(() => 1);
    budget.take(of('ada'), START);
    expect(budget.take(of('ada'), START)).toBe(60);
    expect(budget.take(of('ada'), START + 1)).toBe(60);
    expect(budget.take(of('ada'), START + 30_000)).toBe(30);
    expect(budget.take(of('ada'), START + 59_999)).toBe(1);
    expect(budget.take(of('ada'), START + 59_999 + 1000)).toBe(0);
  });

  test('is of one subject', () => {
    const budget = new InboundBudget(() => 1);
    expect(passed(budget, 2, START, 'ada')).toBe(1);
    expect(passed(budget, 2, START, 'bob')).toBe(1);
  });

  test('of 0 has no limit', () => expect(passed(new InboundBudget(() => 0), 5000, START)).toBe(5000));

  test('follows a limit that changes, within the minute as well', () => {
    let limit = 2;
    const budget = new InboundBudget(() => limit);
    expect(passed(budget, 5, START)).toBe(2);
    limit = 4;
    expect(passed(budget, 5, START)).toBe(2);
    limit = 1;
    expect(passed(budget, 5, START + 59_999)).toBe(0);
    limit = 0;
    expect(passed(budget, 5, START + 59_999)).toBe(5);
  });

  test('is of one tenant: its limit, and its subject of that name', () => {
    const budget = new InboundBudget((tenant) => (tenant === 'small' ? 1 : 3));
    const take = (tenant: string) => budget.take(principalWith({ tenant: tenantId(tenant) }), START);
    expect([take('small'), take('small'), take('large'), take('large'), take('large'), take('large')]).toEqual([
      0, 60, 0, 0, 0, 60,
    ]);
  });

  test('counts a large message as several, but lets the first one pass', () => {
    const budget = new InboundBudget(() => 4);
    expect(budget.take(of('ada'), START, 3 * InboundBudget.BYTES_A_MESSAGE)).toBe(0);
    expect(budget.take(of('ada'), START, 1)).toBe(0);
    expect(budget.take(of('ada'), START, 1)).toBeGreaterThan(0);
    expect(budget.take(of('bob'), START, 1024 * 1024)).toBe(0);
    expect(budget.take(of('bob'), START, 1)).toBeGreaterThan(0);
  });

  test('is not lost for long when the clock is set back', () => {
    const budget = new InboundBudget(() => 1);
    passed(budget, 2, START);
    expect(passed(budget, 2, START - 3_600_000)).toBe(1);
  });

  test('keeps to its limit in any minute that begins with a message, whoever else sends', () => {
    const steps = fc.array(fc.tuple(fc.constantFrom('ada', 'bob', 'eve'), fc.nat(20_000)), { size: 'medium' });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), steps, (limit, messages) => {
        const budget = new InboundBudget(() => limit);
        const windows = new Map<string, { startedAt: number; passed: number }>();
        let now = START;
        for (const [subject, pause] of messages) {
          now += pause;
          let window = windows.get(subject);
          if (!window || now >= window.startedAt + 60_000)
            windows.set(subject, (window = { startedAt: now, passed: 0 }));
          const mayPass = window.passed < limit;
          if (mayPass) window.passed++;
          expect(budget.take(of(subject), now) === 0).toBe(mayPass);
        }
      }),
    );
  });
});
