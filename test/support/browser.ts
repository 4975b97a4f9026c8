import { type Browser, chromium } from 'playwright-core';
import { inject } from 'vitest';
import { demand } from './servers/on-demand.js';

/**
 * The test run's headless Chromium, which is started when nobody has asked before. Its contexts and pages are the
 * caller's own; closing it closes these.
 */
export async function openBrowser(): Promise<Browser> {
  return chromium.connect(await demand(inject('chromiumAddress')));
}
