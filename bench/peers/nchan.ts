import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { post, streamOpening, webSocketOpening } from '../generator/wire.js';
import { NativeProcess, freePort } from '../harness/native-process.js';
import { messages } from './message.js';
import type { Client, PeerKind } from './peer.js';
import { findProgram } from './program.js';

const MODULE = '/usr/lib/nginx/modules/ngx_nchan_module.so';
const TEMPORARY_PATHS = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

export const NCHAN = nchan('nchan', { opening: webSocketOpening('/ws') });
export const NCHAN_EVENTS = nchan('nchan, EventSource', { opening: streamOpening('/events') });

/** nginx with the module nchan: each message is a request of its own, sent one behind the other. */
function nchan(name: string, client: Client): PeerKind {
  return {
    name,
    async start({ cores, temporary }) {
      const nginx = findProgram('nginx');
      if (nginx === undefined || !existsSync(MODULE)) return { skipped: 'nginx with nchan is not installed' };
      const folder = join(temporary, randomUUID());
      mkdirSync(folder);
      const port = await freePort();
      const path = join(folder, 'nginx.conf');
      writeFileSync(path, configuration(port, folder));
      const args = ['-c', path, '-p', folder, '-e', 'stderr'];
      const server = await NativeProcess.start(nginx, args, { core: cores?.server, port });
      return {
        server,
        client,
        publishing: (count) => ({
          port,
          request: Buffer.concat(messages(count).map((message) => post('/publish', message))),
          publications: count,
          answers: count,
        }),
      };
    },
  };
}

function configuration(port: number, folder: string): string {
  return `
daemon off;
worker_processes 1;
${process.getuid?.() === 0 ? 'user root;' : ''}
pid ${folder}/nginx.pid;
error_log stderr error;
load_module ${MODULE};
events { worker_connections 20000; }
http {
  access_log off;
  ${TEMPORARY_PATHS.map((path) => `${path}_temp_path ${folder}/${path};`).join('\n  ')}
  client_body_buffer_size 64k;
  keepalive_requests 1000000000;
  tcp_nodelay on;
  server {
    listen 127.0.0.1:${port} backlog=1024;
    location = /publish { nchan_publisher; nchan_channel_id bench; }
    location = /ws { nchan_subscriber websocket; nchan_channel_id bench; }
    location = /events { nchan_subscriber eventsource; nchan_channel_id bench; }
  }
}
`;
}
