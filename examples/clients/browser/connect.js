// Two ways to listen from a browser. Both hand texts to `onStatus` and `onMessage`, and return the function that ends it.

const event_types = ['execution_started', 'execution_completed', 'metrics_update', 'alert'];
const FIRST_MESSAGE = {
  channels: { type: 'subscribe', data: { channels: ['system.metrics'] } },
  workspace: { type: 'subscribe', event_types },
};
// The server will take us again after these; 1006: the connection was cut, or never came about.
const CONNECT_AGAIN = [1001, 1006, 1011, 4408, 4429, 4508];

/** By WebSocket. A page cannot send headers with it: the token goes along as a subprotocol, which keeps it out of logs. */
export function openSocket({ url, dialect, token, onStatus, onMessage }) {
  let socket, timer;
  let wait = 1; // seconds

  function connect() {
    socket = new WebSocket(url, [`metricast.${dialect}`, ...(token ? [`bearer.${token}`] : [])]);
    socket.onopen = () => {
      onStatus('open');
      if (dialect in FIRST_MESSAGE) socket.send(JSON.stringify(FIRST_MESSAGE[dialect]));
    };
    socket.onmessage = ({ data }) => {
      const { type, event, error, retry_after } = JSON.parse(data);
      wait = error || [type, event].includes('error') ? (retry_after ?? wait) : 1;
      onMessage(data);
    };
    socket.onclose = ({ code, reason }) => {
      onStatus(`closed: ${code} ${reason}`);
      if (!CONNECT_AGAIN.includes(code)) return;
      timer = setTimeout(connect, wait * 1000 * (1 + Math.random()));
      wait = Math.min(wait * 2, 60);
    };
  }

  connect();
  return () => {
    clearTimeout(timer);
    socket.onmessage = socket.onclose = null;
    socket.close();
  };
}

/** By Server-Sent Events. The browser connects again by itself, unless it was refused. */
export function openStream({ url, token, onStatus, onMessage }) {
  const address = new URL(url);
  if (token) address.searchParams.set('token', token);
  const source = new EventSource(address);
  source.onopen = () => onStatus('open');
  source.addEventListener('metrics', ({ data }) => onMessage(data));
  // The server's errors, of which the last says whether to come back; and the browser's own, which have no data.
  source.addEventListener('error', ({ data }) => {
    if (!data) return onStatus(source.readyState === EventSource.CLOSED ? 'refused' : 'connecting again');
    onMessage(data);
    if (JSON.parse(data).reconnect !== false) return;
    source.close();
    onStatus('closed');
  });
  return () => source.close();
}
