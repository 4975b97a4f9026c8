import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { installPackage } from './debian-package.js';
import type { RunningServer } from './on-demand.js';
import { findOrInstall, foldersOfPath } from './program.js';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

/** The path of Chromium; installs Debian's where that is possible and none is there yet. */
export function findOrInstallChromium(): Promise<string> {
  return findOrInstall({
    missing: 'Chromium is missing: put `chromium` or `google-chrome` on the path (Debian: apt-get install chromium).',
    find: async () =>
      foldersOfPath()
        .flatMap((folder) => NAMES.map((name) => join(folder, name)))
        .find((path) => existsSync(path)),
    install: () => installPackage('chromium'),
  });
}

/** Starts one headless Chromium for all spec files; each that connects to it has contexts of its own. */
export async function startChromium(): Promise<RunningServer> {
  const executablePath = await findOrInstallChromium();
  // Loaded only when a browser is asked for: most runs want none.
  const { chromium } = await import('playwright-core');
  const server = await chromium.launchServer({
    executablePath,
    host: '127.0.0.1',
    // Its sandbox does not work for root. The pages are our own.
    chromiumSandbox: process.getuid?.() !== 0,
    // A signal is for the test run, which ends the browser with itself.
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
  });
  return { url: server.wsEndpoint(), stop: () => server.close() };
}
