import { inject } from 'vitest';
import { demand } from './servers/on-demand.js';

/** The path of a Python 3 that has the package `websockets`. */
export async function pythonPath(): Promise<string> {
  return demand(inject('pythonAddress'));
}
