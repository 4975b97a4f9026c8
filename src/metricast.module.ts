import { Inject, type InjectionToken, Module, type OnApplicationBootstrap, type Provider } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { JwtModule } from '@nestjs/jwt';
import { AUTH_OPTIONS, Authenticator, HttpAuthGuard, OpenMode, TokenVerifier, WsRoleGuard } from './auth/index.js';
import { BROKER, type Broker, MemoryBroker } from './broker/index.js';
import { DIALECTS } from './dialects/index.js';
import { ANOMALY_THRESHOLDS, SkillsRecorder, skillsFeed } from './feeds/skills/index.js';
import { systemFeed } from './feeds/system/index.js';
import { Hub, InboundBudget } from './hub/index.js';
import { ConfigurableModuleClass, METRICAST_OPTIONS } from './metricast.module-definition.js';
import { type MetricastOptions, type ResolvedOptions, resolveOptions } from './metricast.options.js';
import { Collectors, METRICS_SERVICE_OPTIONS, MetricsService, Scheduler } from './metrics/index.js';
import { HealthController } from './observability/health.controller.js';
import { DATABASE_URL, persistenceProviders } from './persistence/index.js';
import { MetricsRecorder, Recorder, ingestController } from './recording/index.js';
import { Answer, JsonBody } from './rest/index.js';
import { ChannelDirectory, SeriesStore } from './store/index.js';
import { ADMISSION_OPTIONS, EndpointTable, wsProviders } from './transports/ws/index.js';

const RESOLVED_OPTIONS = Symbol('metricast.resolved-options');

/** A provider made from the options. */
function fromOptions(provide: InjectionToken, make: (options: ResolvedOptions) => unknown): Provider {
  return { provide, inject: [RESOLVED_OPTIONS], useFactory: make };
}

const configured: Provider[] = [
  {
    provide: RESOLVED_OPTIONS,
    inject: [METRICAST_OPTIONS],
    useFactory: (options: MetricastOptions) => resolveOptions(options),
  },
  fromOptions(DATABASE_URL, ({ database }) => database),
  fromOptions(AUTH_OPTIONS, ({ auth }) => auth),
  fromOptions(ANOMALY_THRESHOLDS, ({ anomalies }) => anomalies),
  fromOptions(METRICS_SERVICE_OPTIONS, ({ updateInterval, tags }) => ({ updateInterval, tags })),
  fromOptions(ADMISSION_OPTIONS, ({ heartbeatInterval }) => ({ heartbeatInterval })),
  fromOptions(EndpointTable, ({ endpoints }) => new EndpointTable(endpoints, DIALECTS)),
  fromOptions(InboundBudget, ({ maxMessagesPerMinute }) => new InboundBudget(maxMessagesPerMinute)),
];

/**
 * Live metrics for a Nest application: mounts the WebSocket endpoints, the REST endpoints and the collectors.
 *
 * The application does not start with an option that is wrong, with a database that cannot be opened, or without a key
 * where others than this machine can reach it; the error says which. `isGlobal: true` beside the options lets every
 * module inject the recorders.
 *
 * @example
 * ```ts
 * @Module({ imports: [MetricastModule.forRoot({ auth: { secret: process.env.JWT_SECRET_KEY } })] })
 * export class AppModule {}
 * ```
 */
@Module({
  imports: [DiscoveryModule, JwtModule.register({})],
  controllers: [...skillsFeed.controllers, ingestController('metrics', MetricsRecorder), HealthController],
  providers: [
    ...configured,
    ...persistenceProviders,
    ...wsProviders,
    ...skillsFeed.providers,
    ...systemFeed.providers,
    { provide: BROKER, useClass: MemoryBroker },
    { provide: Hub, useFactory: () => new Hub() },
    Scheduler,
    Collectors,
    MetricsService,
    Recorder,
    MetricsRecorder,
    SeriesStore,
    ChannelDirectory,
    Answer,
    JsonBody,
    TokenVerifier,
    OpenMode,
    Authenticator,
    HttpAuthGuard,
    WsRoleGuard,
  ],
  exports: [MetricsRecorder, SkillsRecorder],
})
export class MetricastModule extends ConfigurableModuleClass implements OnApplicationBootstrap {
  constructor(
    private readonly hub: Hub,
    @Inject(BROKER) private readonly broker: Broker,
  ) {
    super();
  }

  onApplicationBootstrap(): void {
    this.broker.onPublication((publication) => this.hub.deliver(publication));
  }
}
