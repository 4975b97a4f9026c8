import type { Provider } from '@nestjs/common';
import { getDataSourceToken, getRepositoryToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { DATA_SOURCE, WriteQueue, transactorFor } from '../store/index.js';
import { openDataSource } from './data-source.js';
import { Database } from './database.js';
import { ENTITIES } from './entities.js';

export { DatabaseOpenError, dataSourceFor } from './data-source.js';
export { DATABASE_URL_FORMS, DEFAULT_DATABASE_URL, isDatabaseUrl } from './database-url.js';
export { Database } from './database.js';

/** The injection token of the database's URL. */
export const DATABASE_URL = Symbol('metricast.database-url');

const dataSource = getDataSourceToken(DATA_SOURCE);

/** The data source, beside any that the host has; its repositories; and the way to write. */
export const persistenceProviders: Provider[] = [
  { provide: dataSource, inject: [DATABASE_URL], useFactory: openDataSource },
  ...ENTITIES.map((entity) => ({
    provide: getRepositoryToken(entity, DATA_SOURCE),
    inject: [dataSource],
    useFactory: (source: DataSource) => source.getRepository(entity as never),
  })),
  {
    provide: WriteQueue,
    inject: [dataSource],
    useFactory: (source: DataSource) => new WriteQueue(transactorFor(source)),
  },
  Database,
];
