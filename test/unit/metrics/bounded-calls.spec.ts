import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { BoundedCalls } from '../../../src/metrics/bounded-calls.js';

/** A call that ends when it is told to. */
function hanging() {
  let end!: (value: string) => void;
  let count = 0;
  const result = new Promise<string>((resolve) => (end = resolve));
  const call = () => {
    count++;
    return result;
  };
  return { call, end, count: () => count, result };
}

test('a call that ends in time gives its result, and leaves the next one alone', async () => {
  const calls = new BoundedCalls(10_000);

  expect(await calls.run('a', () => Promise.resolve(1))).toBe(1);
  expect(await calls.run('a', () => 2)).toBe(2);
});

test('a call that throws or rejects does just that', async () => {
  const calls = new BoundedCalls(10_000);

  await expect(calls.run('a', () => Promise.reject(new Error('rejected')))).rejects.toThrow('rejected');
  await expect(
    calls.run('a', () => {
      throw new Error('thrown');
    }),
  ).rejects.toThrow('thrown');
});

test('a call that hangs fails, is not made again while it does, and is made again when it ended', async () => {
  const calls = new BoundedCalls(5);
  const { call, end, count, result } = hanging();

  await expect(calls.run('a', call)).rejects.toThrow('it took over 5 ms');
  await expect(calls.run('a', call)).rejects.toThrow('still does');
  expect(count()).toBe(1);
  expect(await calls.run('b', () => Promise.resolve('another'))).toBe('another');

  end('late');
  await result;
  expect(await calls.run('a', call)).toBe('late');
  expect(count()).toBe(2);
});

test('a promise of another kind is bounded as well', async () => {
  const calls = new BoundedCalls(5);
  const never = runInNewContext('new Promise(() => {})') as PromiseLike<string>;
  expect(never).not.toBeInstanceOf(Promise);

  await expect(calls.run('a', () => never)).rejects.toThrow('it took over 5 ms');
});
