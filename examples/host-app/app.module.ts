import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import { TypeOrmModule } from '@nestjs/typeorm';
import { MetricastModule } from 'nestjs-metricast';
import { BannedClientsGuard } from './house-rules/banned-clients.guard.js';
import { ErrorFilter } from './house-rules/error.filter.js';
import { Order } from './orders/order.entity.js';
import { OrdersModule } from './orders/orders.module.js';
import { Settings, SettingsModule } from './settings.js';

@Module({})
export class AppModule {
  static with(settings: Settings): DynamicModule {
    const configured = SettingsModule.with(settings);
    return {
      module: AppModule,
      imports: [
        TypeOrmModule.forRootAsync({
          imports: [configured],
          inject: [Settings],
          useFactory: ({ shopDatabase }: Settings) => ({
            type: 'better-sqlite3',
            database: shopDatabase,
            entities: [Order],
            synchronize: true,
          }),
        }),
        ScheduleModule.forRoot(),
        MetricastModule.forRootAsync({
          imports: [configured],
          inject: [Settings],
          useFactory: ({ metricsDatabase, jwtSecret }: Settings) => ({
            database: metricsDatabase,
            auth: { secret: jwtSecret },
            tags: { service: 'shop' },
          }),
        }),
        OrdersModule,
      ],
      providers: [
        { provide: APP_GUARD, useClass: BannedClientsGuard },
        { provide: APP_FILTER, useClass: ErrorFilter },
      ],
    };
  }
}
