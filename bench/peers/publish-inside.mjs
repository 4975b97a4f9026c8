// Preloaded into the real server: takes messages as the other servers of this bench do, on a port of its own, and hands
// them to the broker, as a tick does with the states that it collects. All behind the broker is as it always is.
import { createServer } from 'node:http';

const { MemoryBroker } = await import(new URL('broker/index.js', process.env.BENCH_DIST).href);
const { onPublication } = MemoryBroker.prototype;
/** @type {import('../../src/broker/index.js').Broker} */
let broker;
MemoryBroker.prototype.onPublication = function (listener) {
  broker = this;
  onPublication.call(this, listener);
};

const server = createServer((request, response) => {
  void publish(request).then(() => response.writeHead(204).end());
});
server.listen(0, '127.0.0.1');
server.unref();

process.on('message', ({ ask }) => {
  if (ask === 'publishingPort') process.send({ answer: ask, value: server.address().port });
});

async function publish(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  await broker.publish(JSON.parse(Buffer.concat(chunks).toString()).map(publication));
}

function publication({ channel, ...sample }) {
  return { tenant: 'local', channel, message: { kind: 'sample', timestamp: Date.now(), ...sample } };
}
