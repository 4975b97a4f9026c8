// Workspace: executions and alerts as they happen, and the totals, each second.
//
//   node workspace.mjs [ws://127.0.0.1:8000/ws]
//
// Needs the package `ws`. The variable METRICAST_TOKEN holds the token, where the server wants one.
import { WebSocket } from 'ws';

const [url = 'ws://127.0.0.1:8000/ws'] = process.argv.slice(2);
const token = process.env.METRICAST_TOKEN;
const event_types = ['execution_started', 'execution_completed', 'metrics_update', 'alert'];

function print({ event, data, ...rest }) {
  console.log(event, JSON.stringify(data ?? rest));
}

// The server will take us again after these; 1006: the connection was cut, or never came about.
const CONNECT_AGAIN = [1001, 1006, 1011, 4408, 4429, 4508];
let wait = 1; // seconds

function connect() {
  const socket = new WebSocket(url, { headers: token ? { authorization: `Bearer ${token}` } : {} });
  socket.on('message', (data) => {
    const message = JSON.parse(data);
    wait = message.event === 'error' ? (message.retry_after ?? wait) : 1;
    print(message);
    if (message.event !== 'connected') return;
    socket.send(JSON.stringify({ type: 'subscribe', event_types }));
    socket.send(JSON.stringify({ type: 'request_metrics', metric_type: 'executions' }));
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
