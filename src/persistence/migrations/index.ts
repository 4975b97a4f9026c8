import { CreateTables1795219200000 } from './1795219200000-create-tables.js';

/** All migrations, oldest first. One that was released is never changed. */
export const MIGRATIONS = [CreateTables1795219200000] as const;
