import { Agent, request } from 'node:http';

export const WRITERS = 32;
export const BATCH = 100;
export const BUSY_CHANNEL = 'busy.metrics';
export const QUIET_CHANNEL = 'quiet.metrics';
/** Whose value is the time at which its request was sent. */
export const TIMED_NAME = 'sent_at';

const NAMES = 20;
const HOSTS = 16;

/** Milliseconds of the system's steady clock, the same in every process of this machine. */
export function steadyMillis(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** What the writers write: batches of points of a few hundred series, the first point of each says when it was sent. */
export class Batches {
  readonly #series = Array.from({ length: NAMES * HOSTS }, (_, index) =>
    JSON.stringify({
      channel: BUSY_CHANNEL,
      name: `request.duration.${index % NAMES}`,
      type: 'gauge',
      tags: { host: `host-${Math.floor(index / NAMES)}`, region: 'eu-west-1' },
    }).slice(0, -1),
  );
  #next = 0;

  get seriesCount(): number {
    return this.#series.length;
  }

  next(): string {
    const timestamp = new Date().toISOString();
    const points = [point(BUSY_CHANNEL, TIMED_NAME, steadyMillis())];
    for (let count = 1; count < BATCH; count++) {
      const value = (this.#next * 7919) % 100_000;
      points.push(
        `${this.#series[this.#next++ % this.#series.length]},"value":${value / 1000},"timestamp":"${timestamp}"}`,
      );
    }
    return `[${points.join(',')}]`;
  }
}

function point(channel: string, name: string, value: number): string {
  return JSON.stringify({ channel, name, type: 'gauge', value });
}

/** Posts to the server over connections that stay open, one request at a time each. */
export class Writers {
  acknowledged = 0;
  refused = 0;
  readonly #batches = new Batches();
  readonly #agent = new Agent({ keepAlive: true, maxSockets: WRITERS + 1 });
  #running: Promise<unknown> = Promise.resolve();
  #isStopping = false;

  constructor(private readonly port: number) {}

  /** Starts the writers, each of which posts its next batch when its last one is acknowledged. */
  start(): void {
    this.#isStopping = false;
    this.#running = Promise.all(Array.from({ length: WRITERS }, () => this.#writeOn()));
  }

  /** Resolves when all that was sent is answered. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
  }

  /** Posts one point, which says when it was sent. */
  async postOne(channel: string): Promise<void> {
    await this.#post(point(channel, TIMED_NAME, steadyMillis()));
  }

  end(): void {
    this.#agent.destroy();
  }

  async #writeOn(): Promise<void> {
    while (!this.#isStopping) {
      if ((await this.#post(this.#batches.next())) === 202) this.acknowledged += BATCH;
      else this.refused += BATCH;
    }
  }

  #post(body: string): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
      const { port } = this;
      request({ port, host: '127.0.0.1', method: 'POST', path: '/ingest/metrics', agent: this.#agent, headers })
        .on('response', (response) => response.on('end', () => resolve(response.statusCode)).resume())
        .on('error', reject)
        .end(body);
    });
  }
}
