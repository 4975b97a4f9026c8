import { EnvironmentError } from './environment.js';
import { serve } from './serve.js';

try {
  await serve(process.env);
} catch (error) {
  console.error(error instanceof EnvironmentError ? error.message : error);
  process.exit(1);
}
