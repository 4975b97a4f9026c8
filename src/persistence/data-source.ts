import { DataSource } from 'typeorm';
import { connectionFor } from './database-url.js';
import { ENTITIES } from './entities.js';
import { MIGRATIONS } from './migrations/index.js';

/** Metricast's data source for a database URL: not connected yet; runs the migrations when it connects. */
export function dataSourceFor(url: string): DataSource {
  return new DataSource({
    ...connectionFor(url),
    entities: [...ENTITIES],
    migrations: [...MIGRATIONS],
    migrationsTableName: 'metricast_migration',
    migrationsRun: true,
    // The schema is what the migrations say, in every environment.
    synchronize: false,
  } as ConstructorParameters<typeof DataSource>[0]);
}
