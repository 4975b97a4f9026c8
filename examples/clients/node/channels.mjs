// Channels: recorded values and collected states, as they come.
//
//   node channels.mjs [ws://127.0.0.1:8000/ws/metrics] [CHANNEL…]
//
// Needs the package `ws`. The variable METRICAST_TOKEN holds the token, where the server wants one.
import { WebSocket } from 'ws';

const [url = 'ws://127.0.0.1:8000/ws/metrics', ...channels] = process.argv.slice(2);
const token = process.env.METRICAST_TOKEN;
if (channels.length === 0) channels.push('system.metrics');

function print(message) {
  const { channel, name, type, value } = message;
  console.log(channel && name ? `${channel} ${type} ${name} = ${value}` : JSON.stringify(message));
}

// The server will take us again after these; 1006: the connection was cut, or never came about.
const CONNECT_AGAIN = [1001, 1006, 1011, 4408, 4429, 4508];
let wait = 1; // seconds

function connect() {
  const socket = new WebSocket(url, { headers: token ? { authorization: `Bearer ${token}` } : {} });
  socket.on('message', (data) => {
    const message = JSON.parse(data);
    wait = message.type === 'error' ? (message.retry_after ?? wait) : 1;
    if (message.type === 'ping') return socket.send(JSON.stringify({ type: 'pong' }));
    print(message);
    if (message.type === 'welcome') socket.send(JSON.stringify({ type: 'subscribe', data: { channels } }));
  });
  socket.on('error', ({ message, code }) => console.error(message || code));
  socket.on('close', (code, reason) => {
    console.error(`closed: ${code} ${reason.toString()}`);
    if (!CONNECT_AGAIN.includes(code)) process.exit(1);
    setTimeout(connect, wait * 1000 * (1 + Math.random()));
    wait = Math.min(wait * 2, 60);
  });
}

connect();
