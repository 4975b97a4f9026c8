import { Controller, Get, Res, UseFilters, VERSION_NEUTRAL } from '@nestjs/common';
import { Hub } from '../hub/index.js';
import { Database } from '../persistence/index.js';
import { Answer, ProblemFilter } from '../rest/index.js';
import { Reception } from '../transports/connections/index.js';

type Part = 'up' | 'down' | 'off';

export interface Health {
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
    private readonly reception: Reception,
    private readonly answer: Answer,
  ) {}

  /** Everything at a glance; 503 where it cannot do its work. */
  @Get()
  async health(@Res() response: object): Promise<void> {
    const isUp = await this.database.isUp();
    this.#answer(response, isUp ? 200 : 503, isUp ? 'ok' : 'error', isUp);
  }

  /** The process answers. */
  @Get('live')
  live(@Res() response: object): void {
    this.answer.send(response, 200, { status: 'ok' } satisfies Pick<Health, 'status'>);
  }

  /** The service can take traffic; else 503, also once it is about to end. */
  @Get('ready')
  async ready(@Res() response: object): Promise<void> {
    if (this.reception.isDraining) this.#answer(response, 503, 'error', await this.database.isUp());
    else await this.health(response);
  }

  #answer(response: object, code: 200 | 503, status: Health['status'], isUp: boolean): void {
    this.answer.send(response, code, {
      status,
      connections: this.hub.connections.size,
      database: isUp ? 'up' : 'down',
      broker: 'off',
      uptime: process.uptime(),
    } satisfies Health);
  }
}
