import { Inject, type InjectionToken, Module, type OnApplicationBootstrap, type Provider } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { JwtModule } from '@nestjs/jwt';
import { AUTH_OPTIONS, Authenticator, HttpAuthGuard, OpenMode, TokenVerifier, WsRoleGuard } from './auth/index.js';
import { BROKER, type Broker, MemoryBroker } from './broker/index.js';
import { DIALECTS } from './dialects/index.js';
import { FEEDS } from './feeds/index.js';
import { ANOMALY_THRESHOLDS } from './feeds/skills/index.js';
import { UPSTREAM_OPTIONS } from './feeds/tools/index.js';
import { Hub, InboundBudget } from './hub/index.js';
import { ConfigurableModuleClass, METRICAST_OPTIONS } from './metricast.module-definition.js';
import { type MetricastOptions, type ResolvedOptions, resolveOptions } from './metricast.options.js';
import { Collectors, METRICS_SERVICE_OPTIONS, MetricsService, Scheduler, StateCache } from './metrics/index.js';
import { HealthController } from './observability/health.controller.js';
import { DATABASE_URL, persistenceProviders } from './persistence/index.js';
import { MetricsRecorder, Recorder, ingestController } from './recording/index.js';
import { DocsController } from './rest/docs.controller.js';
import { Answer, JsonBody } from './rest/index.js';
import { ChannelDirectory, DECLARED_EVENT_TYPES, EventStore, LatestReader, SeriesStore } from './store/index.js';
import { RECEPTION_OPTIONS, connectionProviders } from './transports/connections/index.js';
import { CHANNELS_RENDERER, restControllers, restProviders } from './transports/rest/index.js';
import { STREAM_DIALECTS, StreamController } from './transports/sse/index.js';
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
  fromOptions(RECEPTION_OPTIONS, ({ heartbeatInterval, updateInterval }) => ({ heartbeatInterval, updateInterval })),
  fromOptions(ADMISSION_OPTIONS, ({ compression }) => ({ compression })),
  fromOptions(UPSTREAM_OPTIONS, ({ upstreams, updateInterval }) => ({ urls: upstreams, updateInterval })),
  fromOptions(DECLARED_EVENT_TYPES, ({ eventTypes }) => eventTypes),
  fromOptions(EndpointTable, ({ endpoints }) => new EndpointTable(endpoints, DIALECTS)),
  fromOptions(InboundBudget, ({ maxMessagesPerMinute }) => new InboundBudget(maxMessagesPerMinute)),
];

/**
 * Live metrics for a Nest application: mounts the WebSocket endpoints, the REST endpoints and the collectors.
 *
 * The application does not start with an option that is wrong, with a database that cannot be opened, or without a key
 * where others than this machine can reach it; the error says which. Every module of the application can inject the
 * recorders and EventsService; with `isGlobal: false` beside the options, only those that import this one.
 *
 * @example
 * ```ts
 * @Module({ imports: [MetricastModule.forRoot({ auth: { secret: process.env.JWT_SECRET_KEY } })] })
 * export class AppModule {}
 * ```
 */
@Module({
  imports: [DiscoveryModule, JwtModule.register({})],
  controllers: [
    ...FEEDS.flatMap(({ controllers = [] }) => controllers),
    ingestController('metrics', MetricsRecorder),
    HealthController,
    DocsController,
    StreamController,
    ...restControllers,
  ],
  providers: [
    ...configured,
    ...persistenceProviders,
    ...connectionProviders,
    ...wsProviders,
    ...restProviders,
    ...FEEDS.flatMap(({ providers }) => providers),
    { provide: STREAM_DIALECTS, useValue: { byName: DIALECTS, usual: DIALECTS.tools } },
    { provide: CHANNELS_RENDERER, useValue: DIALECTS.channels },
    { provide: BROKER, useClass: MemoryBroker },
    { provide: Hub, useFactory: () => new Hub() },
    Scheduler,
    Collectors,
    StateCache,
    MetricsService,
    Recorder,
    MetricsRecorder,
    SeriesStore,
    EventStore,
    ChannelDirectory,
    LatestReader,
    Answer,
    JsonBody,
    TokenVerifier,
    OpenMode,
    Authenticator,
    HttpAuthGuard,
    WsRoleGuard,
  ],
  exports: [MetricsRecorder, ...FEEDS.flatMap((feed) => feed.exports ?? [])],
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
