import { setTimeout } from 'node:timers/promises';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { DATA_SOURCE, WriteQueue } from '../store/index.js';

const PATIENCE_MILLIS = 2000;

/** The database as a whole: whether it answers, and its end. */
@Injectable()
export class Database implements OnApplicationShutdown {
  constructor(
    @InjectDataSource(DATA_SOURCE) private readonly dataSource: DataSource,
    private readonly queue: WriteQueue,
  ) {}

  /** Whether it answers, and soon: who asks for health does not wait long. */
  isUp(): Promise<boolean> {
    const answers = this.dataSource.query('SELECT 1').then(
      () => true,
      () => false,
    );
    const silence = new AbortController();
    const isSilent = setTimeout(PATIENCE_MILLIS, false, { signal: silence.signal });
    // The one that is not needed any more ends without a word.
    isSilent.catch(() => undefined);
    return Promise.race([answers, isSilent]).finally(() => silence.abort());
  }

  async onApplicationShutdown(): Promise<void> {
    await this.queue.drain();
    if (this.dataSource.isInitialized) await this.dataSource.destroy();
  }
}
