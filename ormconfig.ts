import { DEFAULT_DATABASE_URL, dataSourceFor } from './src/persistence/index.js';

/** For TypeORM's command line, which takes the database from the same variable as the server: see docs/configuration.md. */
export default dataSourceFor(process.env['DATABASE_URL'] || DEFAULT_DATABASE_URL);
