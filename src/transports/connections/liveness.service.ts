import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { Hub, Liveness } from '../../hub/index.js';
import { CLOSE } from '../../protocol/index.js';
import { Scheduler } from '../../scheduler/index.js';
import { RECEPTION_OPTIONS, Reception, type ReceptionOptions } from './reception.js';

const JOB = 'metricast:liveness';
/** How long peers have to answer the close before their sockets are ended. */
const DRAIN_MILLIS = 2000;
const POLL_MILLIS = 20;
/** Over how long the closes are spread, and in how many slices; one where there are few. */
const SPREAD_MILLIS = 1000;
const SLICES = 20;
const SMALLEST_SLICE = 50;

/** Keeps the hub's connections alive while the application runs, and sees them off when it ends. */
@Injectable()
export class LivenessService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #liveness: Liveness;

  constructor(
    private readonly hub: Hub,
    private readonly reception: Reception,
    private readonly scheduler: Scheduler,
    @Inject(RECEPTION_OPTIONS) options: ReceptionOptions,
  ) {
    this.#liveness = new Liveness(hub, options.heartbeatInterval * 1000);
  }

  onApplicationBootstrap(): void {
    this.scheduler.every(JOB, this.#liveness.sweepInterval, () => this.#liveness.sweep(Date.now()));
  }

  /** Before Nest ends the sockets, which their peers would see as a broken connection. */
  async beforeApplicationShutdown(): Promise<void> {
    const leaving = this.reception.drain();
    this.scheduler.cancel(JOB);
    const connections = [...this.hub.connections.values()];
    const slice = Math.max(SMALLEST_SLICE, Math.ceil(connections.length / SLICES));
    for (let start = 0; start < connections.length; start += slice) {
      // Spread, because those who are sent away come back all at once to whoever takes over.
      if (start > 0) await new Promise((resolve) => setTimeout(resolve, SPREAD_MILLIS / SLICES));
      for (const connection of connections.slice(start, start + slice)) {
        leaving.push(connection.transport);
        this.hub.close(connection, CLOSE.goingAway);
      }
    }
    const deadline = Date.now() + DRAIN_MILLIS;
    while (leaving.some(({ isClosed }) => !isClosed) && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLIS));
    }
    for (const transport of leaving) transport.terminate();
  }
}
