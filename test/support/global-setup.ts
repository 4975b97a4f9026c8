import type { TestProject } from 'vitest/node';
import { findOrInstallChromium, startChromium } from './servers/chromium.js';
import { offerOnDemand } from './servers/on-demand.js';
import { preparePostgres, startPostgres } from './servers/postgres.js';
import { findOrInstallPython } from './servers/python-websockets.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where a spec file asks for PostgreSQL; see `postgresUrl()` in postgres.ts. */
    postgresAddress: string;
    /** Where a spec file asks for the browser; see `openBrowser()` in browser.ts. */
    chromiumAddress: string;
    /** Where a spec file asks for Python; see `pythonPath()` in python.ts. */
    pythonAddress: string;
  }
}

/** Offers the real servers and programs to the spec files; one that no spec file asks for is never started or installed. */
export default async function offerServers(project: TestProject): Promise<() => Promise<void>> {
  // On CI everything runs: install what is missing now, before the clock of a test ticks. What cannot be had fails the
  // tests that ask for it, and no others.
  if (process.env.CI) await Promise.allSettled([preparePostgres(), findOrInstallChromium(), findOrInstallPython()]);

  const postgres = await offerOnDemand(startPostgres);
  project.provide('postgresAddress', postgres.address);
  const chromium = await offerOnDemand(startChromium);
  project.provide('chromiumAddress', chromium.address);
  const python = await offerOnDemand(findOrInstallPython);
  project.provide('pythonAddress', python.address);
  return async () => void (await Promise.all([postgres.stop(), chromium.stop(), python.stop()]));
}
