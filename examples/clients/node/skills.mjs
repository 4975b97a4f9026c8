// Skills: the most used ones and the newest anomalies, each second.
//
//   node skills.mjs [ws://127.0.0.1:8000/ws/skills] [SKILL]
//
// Needs the package `ws`. The variable METRICAST_TOKEN holds the token, where the server wants one.
import { WebSocket } from 'ws';

const [url = 'ws://127.0.0.1:8000/ws/skills', skill] = process.argv.slice(2);
const token = process.env.METRICAST_TOKEN;

function print(message) {
  if (message.type !== 'metrics_update') return console.log(JSON.stringify(message));
  const { top_skills, anomalies } = message.data;
  const parts = [
    ...top_skills.map((it) => `${it.skill_name}: ${it.total_invocations} runs, ${it.completion_rate} % completed`),
    ...anomalies.map((it) => `${it.anomaly_type} of ${it.skill_name} by ${it.deviation_score}`),
  ];
  console.log(message.timestamp, parts.join(' | ') || 'no runs yet');
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
    if (message.type === 'connected' && skill) socket.send(JSON.stringify({ type: 'subscribe', skill }));
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
