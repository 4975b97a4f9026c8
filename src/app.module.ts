import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import { MetricastModule } from './metricast.module.js';
import type { MetricastOptions } from './metricast.options.js';
import { ProblemFilter } from './rest/index.js';

/** The standalone server: the smallest host that Metricast can have. */
@Module({})
export class AppModule {
  static with(options: MetricastOptions): DynamicModule {
    return {
      module: AppModule,
      imports: [ScheduleModule.forRoot(), MetricastModule.forRoot(options)],
      providers: [{ provide: APP_FILTER, useClass: ProblemFilter }],
    };
  }
}
