import { inspect } from 'node:util';
import { serve } from './serve.js';
import { EnvironmentError } from './variables.js';

/** Runs the standalone server as a program: what keeps it from starting is told on stderr, and ends the process. */
export async function serveOrExit(): Promise<void> {
  try {
    await serve(process.env);
  } catch (error) {
    process.stderr.write(`${error instanceof EnvironmentError ? error.message : inspect(error)}\n`);
    process.exit(1);
  }
}
