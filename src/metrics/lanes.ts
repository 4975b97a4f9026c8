/** Runs tasks in the order in which they come, at most so many at once. */
export class Lanes {
  readonly #waiting: (() => Promise<void>)[] = [];
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  /** Resolves when the task is done, or has failed: it is to tell of that by itself. */
  run(task: () => Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(() => task().then(resolve, () => resolve()));
      if (this.#free > 0) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#free--;
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) await next();
    this.#free++;
  }
}
