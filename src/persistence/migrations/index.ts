import { CreateTables1795219200000 } from './1795219200000-create-tables.js';
import { CreateEvents1795305600000 } from './1795305600000-create-events.js';
import { CreateDecisions1795305601000 } from './1795305601000-create-decisions.js';
import { CreateUsage1795305602000 } from './1795305602000-create-usage.js';
import { CreateExecutions1795305603000 } from './1795305603000-create-executions.js';
import { CreateInstances1795305604000 } from './1795305604000-create-instances.js';
import { IndexAnomaliesBySkill1795305605000 } from './1795305605000-index-anomalies-by-skill.js';
import { CreateTenants1795392000000 } from './1795392000000-create-tenants.js';
import { CreateRevocations1795392100000 } from './1795392100000-create-revocations.js';
import { CreateRollups1795392200000 } from './1795392200000-create-rollups.js';

/** All migrations, oldest first. One that was released is never changed. */
export const MIGRATIONS = [
  CreateTables1795219200000,
  CreateEvents1795305600000,
  CreateDecisions1795305601000,
  CreateUsage1795305602000,
  CreateExecutions1795305603000,
  CreateInstances1795305604000,
  IndexAnomaliesBySkill1795305605000,
  CreateTenants1795392000000,
  CreateRevocations1795392100000,
  CreateRollups1795392200000,
] as const;
