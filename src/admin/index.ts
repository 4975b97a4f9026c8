import { AuditController } from './audit.controller.js';
import { AuditQueries } from './audit.queries.js';
import { ConnectionsController } from './connections.controller.js';
import { StatsController } from './stats.controller.js';

export const adminControllers = [AuditController, ConnectionsController, StatsController];
export const adminProviders = [AuditQueries];
