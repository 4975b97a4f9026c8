import { Controller, Get, HttpCode, Res, UseFilters } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Hub } from '../hub/index.js';
import { Database } from '../persistence/index.js';
import { ProblemFilter } from '../rest/index.js';

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
@Controller('health')
@UseFilters(ProblemFilter)
export class HealthController {
  constructor(
    private readonly hub: Hub,
    private readonly database: Database,
    private readonly host: HttpAdapterHost,
  ) {}

  /** Everything at a glance; 503 where it cannot do its work. */
  @Get()
  async health(@Res({ passthrough: true }) response: object): Promise<Health> {
    const isUp = await this.database.isUp();
    if (!isUp) this.host.httpAdapter.status(response, 503);
    return {
      status: isUp ? 'ok' : 'error',
      connections: this.hub.connections.size,
      database: isUp ? 'up' : 'down',
      broker: 'off',
      uptime: process.uptime(),
    };
  }

  /** The process answers. */
  @Get('live')
  @HttpCode(200)
  live(): Pick<Health, 'status'> {
    return { status: 'ok' };
  }

  /** The service can take traffic; else 503. */
  @Get('ready')
  ready(@Res({ passthrough: true }) response: object): Promise<Health> {
    return this.health(response);
  }
}
