import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type Connection, Hub } from '../../hub/index.js';
import { MetricastError, type SettingsReason } from '../../protocol/index.js';
import { type EffectiveSettings, Tenants } from '../../tenants/index.js';

/** Tells open connections, each in its dialect's words, that other settings apply to them from now on. */
@Injectable()
export class SettingsNotices implements OnModuleInit {
  constructor(
    private readonly hub: Hub,
    private readonly tenants: Tenants,
  ) {}

  onModuleInit(): void {
    this.tenants.onChange((tenant, settings, reason) => {
      for (const connection of this.hub.connections.values()) {
        if (connection.principal.tenant === tenant) this.#tell(connection, settings, reason);
      }
    });
  }

  #tell(connection: Connection, settings: EffectiveSettings, reason: SettingsReason): void {
    const { collectionIntervalSeconds: interval, performanceProfile: profile, isStreaming: streaming } = settings;
    const { dialect } = connection;
    if (dialect.renderSettings) {
      this.hub.send(connection, dialect.renderSettings({ interval, profile, streaming, reason }));
    } else if (!streaming) {
      this.hub.sendError(connection, new MetricastError('streaming_disabled'));
    }
  }
}
