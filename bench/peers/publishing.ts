import { type IncomingMessage, type RequestListener, type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Serves `POST /publish`, which takes an array of messages, and says where it listens. Other requests go on. */
export function servePublishing(publish: (messages: readonly unknown[]) => void, others?: RequestListener): Server {
  const server = createServer((request, response) => {
    if (request.method !== 'POST') {
      others?.(request, response);
      return;
    }
    void readJson(request).then((messages) => {
      publish(messages as readonly unknown[]);
      response.writeHead(204).end();
    });
  });
  server.listen(Number(process.env['PORT']), '127.0.0.1', () => announce(server));
  return server;
}

/** As the bench expects it of every server: its address, on its standard output. */
export function announce(server: Server): void {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString());
}
