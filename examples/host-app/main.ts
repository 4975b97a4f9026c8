import { createApp } from './create-app.js';
import { Settings } from './settings.js';

const app = await createApp(process.argv[2] === 'fastify' ? 'fastify' : 'express', new Settings());
// So that dashboards are told to connect again, and what waits to be written is written.
app.enableShutdownHooks();
await app.listen(process.env['PORT'] ?? 3000, '127.0.0.1');
