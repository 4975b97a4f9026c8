import { type DynamicModule, Module } from '@nestjs/common';

/** What the application is configured with. */
export class Settings {
  /** The file of the shop's own database. */
  readonly shopDatabase: string = 'data/shop.db';
  /** Metricast's: a database of its own, or the same PostgreSQL. */
  readonly metricsDatabase: string = 'sqlite:data/shop-metrics.db';
  /** What dashboards sign in with. Without one, Metricast is open to everyone on this machine, and to nobody else. */
  readonly jwtSecret: string | undefined = process.env['JWT_SECRET_KEY'];

  constructor(differences: Partial<Settings> = {}) {
    Object.assign(this, differences);
  }
}

@Module({})
export class SettingsModule {
  static with(settings: Settings): DynamicModule {
    return {
      module: SettingsModule,
      providers: [{ provide: Settings, useValue: settings }],
      exports: [Settings],
    };
  }
}
