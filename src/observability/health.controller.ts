import { Controller, Get, Res, UseFilters, VERSION_NEUTRAL } from '@nestjs/common';
import { Hub } from '../hub/index.js';
import { Database } from '../persistence/index.js';
import { Answer, ProblemFilter } from '../rest/index.js';
import { WriteQueue } from '../store/index.js';
import { Reception } from '../transports/connections/index.js';

type Part = 'up' | 'down' | 'off';

export interface Health {
  /** `degraded` where it does its work, but not all of it. */
  readonly status: 'ok' | 'degraded' | 'error';
  /** Open connections on this instance. */
  readonly connections: number;
  readonly database: Part;
  /** `off` where publications stay in this process. */
  readonly broker: Part;
  /** Seconds since the process began. */
  readonly uptime: number;
}

/** Says how the service is: to people, and to whatever restarts it or sends it traffic. */
@Controller({ path: 'health', version: VERSION_NEUTRAL })
@UseFilters(ProblemFilter)
export class HealthController {
  constructor(
    private readonly hub: Hub,
    private readonly database: Database,
    private readonly queue: WriteQueue,
    private readonly reception: Reception,
    private readonly answer: Answer,
  ) {}

  /** Everything at a glance; 503 where it cannot do its work. */
  @Get()
  async health(@Res() response: object): Promise<void> {
    const health = await this.#examine();
    this.answer.send(response, health.status === 'error' ? 503 : 200, health);
  }

  /** The process answers. */
  @Get('live')
  live(@Res() response: object): void {
    this.answer.send(response, 200, { status: 'ok' } satisfies Pick<Health, 'status'>);
  }

  /** The service can take traffic; else 503, also while it can record no more, and once it is about to end. */
  @Get('ready')
  async ready(@Res() response: object): Promise<void> {
    const health = await this.#examine();
    const isReady = health.status !== 'error' && !this.queue.isBusy && !this.reception.isDraining;
    this.answer.send(
      response,
      isReady ? 200 : 503,
      isReady ? health : ({ ...health, status: 'error' } satisfies Health),
    );
  }

  async #examine(): Promise<Health> {
    const isUp = await this.database.isUp();
    return {
      status: !isUp ? 'error' : this.queue.isBusy ? 'degraded' : 'ok',
      connections: this.hub.connections.size,
      database: isUp ? 'up' : 'down',
      broker: 'off',
      uptime: process.uptime(),
    };
  }
}
