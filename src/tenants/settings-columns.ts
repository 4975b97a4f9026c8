import type { Repository } from 'typeorm';
import type { Row, SqlValue } from '../store/index.js';
import { NOTHING_SET, type OwnSettings } from './effective-settings.js';
import type { TenantSettings } from './tenant-settings.entity.js';

/** The columns of what a tenant sets, as the entity has them, for writes that read what they change. */
export class SettingsColumns {
  readonly #columns: Repository<TenantSettings>['metadata']['columns'];

  constructor(private readonly settings: Repository<TenantSettings>) {
    this.#columns = settings.metadata.columns.filter(({ propertyName }) => propertyName in NOTHING_SET);
  }

  get names(): string[] {
    return this.#columns.map(({ databaseName }) => databaseName);
  }

  /** What a row says. */
  ownOf(row: Row): OwnSettings {
    const entity: Record<string, unknown> = {};
    for (const column of this.#columns) {
      // SQLite knows no booleans, and neither database reads JSON from a text.
      entity[column.propertyName] = this.#driver.prepareHydratedValue(row[column.databaseName], column) ?? null;
    }
    // The columns are those of all settings.
    return entity as unknown as OwnSettings;
  }

  /** What a row is to say, in the order of the names. */
  valuesOf(own: OwnSettings): SqlValue[] {
    return this.#columns.map((column) => {
      const value = own[column.propertyName as keyof OwnSettings];
      return this.#driver.preparePersistentValue(value, column) as SqlValue;
    });
  }

  get #driver() {
    return this.settings.manager.connection.driver;
  }
}
