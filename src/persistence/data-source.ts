import { DataSource } from 'typeorm';
import { connectionFor } from './database-url.js';
import { ENTITIES } from './entities.js';
import { migrate } from './migrate.js';
import { MIGRATIONS } from './migrations/index.js';

/** Metricast's data source for a database URL: not connected yet, and its tables may not be there. */
export function dataSourceFor(url: string): DataSource {
  return new DataSource({
    ...connectionFor(url),
    entities: [...ENTITIES],
    migrations: [...MIGRATIONS],
    migrationsTableName: 'metricast_migration',
    // The schema is what the migrations say, in every environment.
    synchronize: false,
  } as ConstructorParameters<typeof DataSource>[0]);
}

/** The database could not be opened, or its tables not be made. The URL, which may hold a password, is not said. */
export class DatabaseOpenError extends Error {
  override readonly name = 'DatabaseOpenError';

  constructor(
    readonly reason: string,
    cause: unknown,
  ) {
    super(`Metricast option database: it cannot be opened: ${reason}`, { cause });
  }
}

/** Connects, and brings the tables up to date. @throws {@link DatabaseOpenError} */
export async function openDataSource(url: string): Promise<DataSource> {
  let dataSource: DataSource | undefined;
  try {
    dataSource = await dataSourceFor(url).initialize();
    await migrate(dataSource);
    return dataSource;
  } catch (error) {
    // Ends its connections, and with them a lock that is still held.
    await dataSource?.destroy();
    const { message, code } = error as NodeJS.ErrnoException;
    // Node gives a refused connection to a host of several addresses no message at all.
    throw new DatabaseOpenError(message.split('\n', 1)[0] || String(code), error);
  }
}
