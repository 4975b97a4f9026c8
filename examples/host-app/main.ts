import { createApp } from './create-app.js';
import { Settings } from './settings.js';

const platform = process.argv[2] === 'fastify' ? 'fastify' : 'express';
const app = await createApp(platform, new Settings());
// So that dashboards are told to connect again later, and what was recorded is committed.
app.enableShutdownHooks();
await app.listen(3000, '127.0.0.1');
