import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { DATA_SOURCE, WriteQueue } from '../store/index.js';

/** The database as a whole: whether it answers, and its end. */
@Injectable()
export class Database implements OnApplicationShutdown {
  constructor(
    @InjectDataSource(DATA_SOURCE) private readonly dataSource: DataSource,
    private readonly queue: WriteQueue,
  ) {}

  async isUp(): Promise<boolean> {
    try {
      await this.dataSource.query('SELECT 1');
      return true;
    } catch {
      return false;
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.queue.drain();
    if (this.dataSource.isInitialized) await this.dataSource.destroy();
  }
}
