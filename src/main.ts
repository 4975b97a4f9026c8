import { serveOrExit } from './serve-or-exit.js';

await serveOrExit();
