// Tools: embeddings, compression, workflows and the response cache, each second.
// Narrow it with ?tool_id=…&session_id=… in the address.
//
//   node tools.mjs [ws://127.0.0.1:8000/ws/tools]
//
// Needs the package `ws`. The variable METRICAST_TOKEN holds the token, where the server wants one.
import { WebSocket } from 'ws';

const [url = 'ws://127.0.0.1:8000/ws/tools'] = process.argv.slice(2);
const token = process.env.METRICAST_TOKEN;

function print(message) {
  if (message.type !== 'metrics') return console.log(JSON.stringify(message));
  const sections = Object.entries(message.data).map(([section, { status, error, metrics, mlx_metrics }]) => {
    return `${section} (${status}): ${JSON.stringify(error ?? metrics ?? mlx_metrics)}`;
  });
  console.log(message.timestamp, sections.join(' | '));
}

// The server will take us again after these; 1006: the connection was cut, or never came about.
const CONNECT_AGAIN = [1001, 1006, 1011, 4408, 4429, 4508];
let wait = 1; // seconds

function connect() {
  const socket = new WebSocket(url, { headers: token ? { authorization: `Bearer ${token}` } : {} });
  socket.on('message', (data) => {
    const message = JSON.parse(data);
    wait = message.type === 'error' ? (message.retry_after ?? wait) : 1;
    print(message);
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
