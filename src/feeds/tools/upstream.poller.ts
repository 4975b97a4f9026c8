import { Logger } from '@nestjs/common';
import { type Millis, describeThrown } from '../../protocol/index.js';
import { SourceError } from './section.js';
import { type JsonObject, requestStats } from './upstream-request.js';
import type { StatsTarget } from './upstream-url.js';

/** When a service is asked. */
export interface Pace {
  /** Between two requests that are answered. */
  readonly interval: Millis;
  /** For one request, from the connection to the last byte. */
  readonly timeout: Millis;
  /** Before the next request after the first failure, the second one, …; the last for all that follow. */
  readonly backoff: readonly Millis[];
}

export const USUAL_TIMEOUT: Millis = 2000;
export const USUAL_BACKOFF: readonly Millis[] = [1000, 2000, 4000, 8000, 10_000];

/** An answer of a service, and between which instants it was given. */
export interface Answered {
  readonly stats: JsonObject;
  readonly askedAt: Millis;
  readonly answeredAt: Millis;
}

/**
 * Asks one upstream service for its statistics, over and over, and keeps the last answer: who reads it never waits.
 * One request at a time, on a schedule of its own.
 */
export class UpstreamPoller {
  readonly #logger = new Logger(UpstreamPoller.name);
  #latest: { readonly stats: JsonObject; readonly at: Millis } | SourceError = new SourceError('not answered yet');
  #failures = 0;
  #request: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;
  #isRecording = false;

  /** @param record is given each answer; while it is at work it is given no other. */
  constructor(
    private readonly source: string,
    private readonly target: StatsTarget,
    private readonly pace: Pace,
    private readonly record: (answer: Answered) => Promise<void>,
  ) {}

  start(): void {
    void this.#poll();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#request?.abort();
  }

  /** The last answer. @throws {@link SourceError} where there is none, or it is out of date. */
  latest(): JsonObject {
    const { interval, timeout } = this.pace;
    if (this.#latest instanceof SourceError) throw this.#latest;
    const age = performance.now() - this.#latest.at;
    if (age > 3 * interval + timeout) throw new SourceError('not answered for too long');
    return this.#latest.stats;
  }

  async #poll(): Promise<void> {
    const begin = performance.now();
    const askedAt = Date.now();
    try {
      const stats = await this.#ask();
      if (this.#isStopped) return;
      this.#succeed({ stats, askedAt, answeredAt: Date.now() });
      this.#pollIn(Math.max(0, begin + this.pace.interval - performance.now()));
    } catch (error) {
      if (this.#isStopped) return;
      this.#fail(error instanceof SourceError ? error : new SourceError('failed', { cause: error }));
      const { backoff } = this.pace;
      this.#pollIn(backoff[Math.min(this.#failures, backoff.length) - 1]!);
    }
  }

  #pollIn(delay: Millis): void {
    this.#timer = setTimeout(() => void this.#poll(), delay);
  }

  async #ask(): Promise<JsonObject> {
    const request = (this.#request = new AbortController());
    const timer = setTimeout(() => request.abort(), this.pace.timeout);
    try {
      return await requestStats(this.target, request.signal);
    } finally {
      clearTimeout(timer);
      // Ends what still comes of an answer that is no use.
      request.abort();
    }
  }

  #succeed(answer: Answered): void {
    this.#latest = { stats: answer.stats, at: performance.now() };
    if (this.#failures > 0) this.#logger.log(`upstream ${this.source} answers again`);
    this.#failures = 0;
    void this.#record(answer);
  }

  #fail(error: SourceError): void {
    this.#latest = error;
    if (this.#failures === 0) this.#logger.error(`upstream ${this.source}: ${error.message}`);
    this.#failures++;
  }

  /** A database that is slow holds up neither the requests nor what is shown: the next answer holds as much. */
  async #record(answer: Answered): Promise<void> {
    if (this.#isRecording) return;
    this.#isRecording = true;
    try {
      await this.record(answer);
    } catch (error) {
      this.#logger.error(`upstream ${this.source} could not be recorded: ${describeThrown(error)}`);
    } finally {
      this.#isRecording = false;
    }
  }
}
