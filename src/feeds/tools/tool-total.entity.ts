import { Entity, PrimaryColumn } from 'typeorm';
import { UsageCounters } from './usage-counters.js';

/**
 * Whose usage a total sums: a session's of a tool (or what a tool did without one), a tool's in all sessions, a
 * session's of all tools, or all of the tenant.
 */
export type TotalScope = 'series' | 'tool' | 'session' | 'all';

/**
 * The running totals of usage: what states are read from, one row for each kind of work and view, however many tools
 * and sessions there are.
 */
@Entity('metricast_tool_total', { withoutRowid: true })
export class ToolTotal extends UsageCounters {
  @PrimaryColumn('varchar', { name: 'tenant_id' })
  tenantId!: string;

  /** Says what an empty text below means: any tool and any session, or none. */
  @PrimaryColumn('varchar')
  scope!: TotalScope;

  @PrimaryColumn('varchar')
  kind!: string;

  @PrimaryColumn('varchar', { name: 'tool_id' })
  toolId!: string;

  @PrimaryColumn('varchar', { name: 'session_id' })
  sessionId!: string;
}
