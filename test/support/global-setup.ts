import type { TestProject } from 'vitest/node';
import { offerOnDemand } from './servers/on-demand.js';
import { preparePostgres, startPostgres } from './servers/postgres.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where a spec file asks for PostgreSQL; see `postgresUrl()` in postgres.ts. */
    postgresAddress: string;
  }
}

/** Offers the real servers to the spec files; one that no spec file asks for is never started. */
export default async function offerServers(project: TestProject): Promise<() => Promise<void>> {
  // On CI everything runs: install what is missing now, before the clock of a test ticks.
  if (process.env.CI) await preparePostgres();

  const postgres = await offerOnDemand(startPostgres);
  project.provide('postgresAddress', postgres.address);
  return () => postgres.stop();
}
