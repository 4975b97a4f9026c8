import { setTimeout } from 'node:timers/promises';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import type { Millis } from '../protocol/index.js';
import { DATA_SOURCE, WriteQueue } from '../store/index.js';

const PATIENCE: Millis = 2000;
/** How long what the database has answered holds. */
const VALIDITY: Millis = 1000;

/** The database as a whole: whether it answers, and its end. */
@Injectable()
export class Database implements OnApplicationShutdown {
  #isUp: Promise<boolean> | undefined;
  #validUntil: Millis = 0;
  #check: Promise<boolean> | undefined;

  constructor(
    @InjectDataSource(DATA_SOURCE) private readonly dataSource: DataSource,
    private readonly queue: WriteQueue,
  ) {}

  /**
   * Whether it answers, and soon: who asks for health does not wait long. Anybody may ask that, as often as they like, and
   * the database is asked once a second for all of them.
   */
  isUp(): Promise<boolean> {
    if (this.#isUp && performance.now() < this.#validUntil) return this.#isUp;
    this.#validUntil = Number.POSITIVE_INFINITY;
    return (this.#isUp = this.#ask().finally(() => (this.#validUntil = performance.now() + VALIDITY)));
  }

  #ask(): Promise<boolean> {
    // One that is not answered holds a connection of the pool: no other is sent after it.
    this.#check ??= this.dataSource
      .query('SELECT 1')
      .then(
        () => true,
        () => false,
      )
      .finally(() => (this.#check = undefined));
    const silence = new AbortController();
    const isSilent = setTimeout(PATIENCE, false, { signal: silence.signal });
    // The one that is not needed any more ends without a word.
    isSilent.catch(() => undefined);
    return Promise.race([this.#check, isSilent]).finally(() => silence.abort());
  }

  async onApplicationShutdown(): Promise<void> {
    await this.queue.drain();
    if (this.dataSource.isInitialized) await this.dataSource.destroy();
  }
}
