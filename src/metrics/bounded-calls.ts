import type { Millis } from '../protocol/index.js';

/** Calls that may hang. One that takes too long has failed, and while it still goes on it is not made again. */
export class BoundedCalls {
  readonly #overdue = new Set<string>();

  constructor(private readonly limit: Millis) {}

  /**
   * The result of the call.
   *
   * @param key of calls that are not to be made again while one of them is overdue.
   * @throws whatever the call throws; Error where it takes too long, or the one before it still does.
   */
  async run<T>(key: string, call: () => T | PromiseLike<T>): Promise<T> {
    if (this.#overdue.has(key)) throw new Error(`it has taken over ${this.limit} ms, and still does`);
    const returned = call();
    if (!isThenable(returned)) return returned;
    const result = Promise.resolve(returned);
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        this.#overdue.add(key);
        reject(new Error(`it took over ${this.limit} ms`));
      }, this.limit);
    });
    const ended = () => {
      clearTimeout(timer);
      this.#overdue.delete(key);
    };
    result.then(ended, ended);
    return Promise.race([result, tooLate]);
  }
}

/** Promises of other kinds too: a query builder's, or another library's. */
function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as PromiseLike<T> | null)?.then === 'function';
}
