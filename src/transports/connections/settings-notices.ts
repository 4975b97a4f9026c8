import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type Connection, Hub } from '../../hub/index.js';
import { FEATURES, MetricastError, type SettingsNotice, type SettingsReason } from '../../protocol/index.js';
import { type EffectiveSettings, type SettingsStep, Tenants } from '../../tenants/index.js';

/** Tells open connections, each in its dialect's words, that other settings apply to them from now on. */
@Injectable()
export class SettingsNotices implements OnModuleInit {
  constructor(
    private readonly hub: Hub,
    private readonly tenants: Tenants,
  ) {}

  onModuleInit(): void {
    this.tenants.onChange((tenant, step, reason) => {
      if (!isWorthTelling(step)) return;
      for (const connection of this.hub.heads.connectionsOf(tenant)) this.#tell(connection, step, reason);
    });
  }

  #tell(connection: Connection, { before, after }: SettingsStep, reason: SettingsReason): void {
    const { dialect } = connection;
    if (dialect.renderSettings) {
      this.hub.send(connection, dialect.renderSettings({ ...shownOf(after), reason }));
    } else if (before.isStreaming && !after.isStreaming) {
      this.hub.sendError(connection, new MetricastError('streaming_disabled'));
    }
  }
}

/** What a client is told of them. */
function shownOf(settings: EffectiveSettings): Omit<SettingsNotice, 'reason'> {
  const { collectionIntervalSeconds: interval, performanceProfile: profile, isStreaming: streaming } = settings;
  return { interval, profile, streaming };
}

/**
 * Limits, retention and the like are no client's business: a message that says the same again would only puzzle it. So
 * would one of `maxEventsPerMinute`: `interval` is what is set, as in the settings that REST shows, and not the pace of
 * a channel, which a cap or the channel's own can make slower.
 */
function isWorthTelling({ before, after }: SettingsStep): boolean {
  const [was, is] = [shownOf(before), shownOf(after)];
  return (
    was.interval !== is.interval ||
    was.profile !== is.profile ||
    was.streaming !== is.streaming ||
    FEATURES.some((feature) => before.features[feature] !== after.features[feature])
  );
}
