import { Agent, request } from 'node:http';
import { CHANNEL, DAY_MILLIS, type Day, NAME, hostOf } from './seed.js';

export const WINDOWS = 1440;

/** Asks a server for a day of one series by the minute, one question after the other. */
export class Questions {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(
    private readonly port: number,
    private readonly day: Day,
  ) {}

  /** Milliseconds until the whole answer is there. @throws where it is not that day. */
  async ask(index: number): Promise<number> {
    // A prime, so that one series after the other has its turn, and no two neighbours in a row.
    const series = (index * 7919) % this.day.series;
    const query = new URLSearchParams({
      name: NAME,
      tags: JSON.stringify({ host: hostOf(series) }),
      start_time: new Date(this.day.begin).toISOString(),
      end_time: new Date(this.day.begin + DAY_MILLIS).toISOString(),
      aggregation_interval: '1m',
      limit: String(WINDOWS),
    });
    const begin = performance.now();
    const text = await this.#get(`/channels/${CHANNEL}/history?${query.toString()}`);
    const duration = performance.now() - begin;
    const { metrics, resolution } = JSON.parse(text) as { metrics: readonly object[]; resolution: string };
    if (metrics.length !== WINDOWS || resolution !== '1m')
      throw new Error(`${metrics.length} windows of ${resolution}`);
    return duration;
  }

  end(): void {
    this.#agent.destroy();
  }

  #get(path: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const sent = request({ agent: this.#agent, host: '127.0.0.1', port: this.port, path }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          if (response.statusCode === 200) resolve(text);
          else reject(new Error(`history answered ${response.statusCode}: ${text}`));
        });
      });
      sent.on('error', reject).end();
    });
  }
}
