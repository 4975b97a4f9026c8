import {
  Inject,
  type InjectionToken,
  Module,
  type OnApplicationBootstrap,
  type Provider,
  type Type,
} from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { adminControllers, adminProviders } from './admin/index.js';
import { AUTH_OPTIONS, TokensController, authProviders } from './auth/index.js';
import { BROKER, type Broker, MemoryBroker } from './broker/index.js';
import { DIALECTS } from './dialects/index.js';
import { FEEDS } from './feeds/index.js';
import { ANOMALY_THRESHOLDS } from './feeds/skills/index.js';
import { UPSTREAM_OPTIONS } from './feeds/tools/index.js';
import { Hub, InboundBudget, LocalPresence, PRESENCE } from './hub/index.js';
import { AddressRoom, ClientAddresses, FailedAttempts, Origins, RequestBudget } from './limits/index.js';
import { ConfigurableModuleClass, METRICAST_OPTIONS } from './metricast.module-definition.js';
import { type MetricastOptions, type ResolvedOptions, resolveOptions } from './metricast.options.js';
import {
  Collectors,
  METRICS_SERVICE_OPTIONS,
  MetricsService,
  StateCache,
  StateRecorder,
  WindowMessages,
  Windows,
} from './metrics/index.js';
import { METRICS_ENDPOINT_OPTIONS, observabilityControllers, observabilityProviders } from './observability/index.js';
import { DATABASE_URL, persistenceProviders } from './persistence/index.js';
import { MetricsRecorder, Recorder, ingestController } from './recording/index.js';
import { DocsController } from './rest/docs.controller.js';
import { Answer, Cors, JsonBody } from './rest/index.js';
import { Scheduler } from './scheduler/index.js';
import {
  ChannelDirectory,
  ChannelSeries,
  DECLARED_EVENT_TYPES,
  DerivedSeries,
  EVENT_LOG,
  EventStore,
  LatestReader,
  MetricsHistory,
  LOG_TABLES,
  RETENTION_DAYS,
  Retention,
  type RetentionDays,
  RollupReader,
  SeriesStore,
  SqlReader,
  historyProviders,
} from './store/index.js';
import { DEFAULT_LIMITS, SETTINGS_DEFAULTS, Tenants, tenantControllers, tenantProviders } from './tenants/index.js';
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
  fromOptions(METRICS_SERVICE_OPTIONS, ({ tags }) => ({ tags })),
  fromOptions(SETTINGS_DEFAULTS, ({ updateInterval, maxMessagesPerMinute }) => ({
    updateInterval,
    limits: { ...DEFAULT_LIMITS, maxMessagesPerMinute },
  })),
  fromOptions(RECEPTION_OPTIONS, ({ heartbeatInterval }) => ({ heartbeatInterval })),
  fromOptions(ADMISSION_OPTIONS, ({ compression }) => ({ compression })),
  fromOptions(UPSTREAM_OPTIONS, ({ upstreams, updateInterval }) => ({ urls: upstreams, updateInterval })),
  fromOptions(DECLARED_EVENT_TYPES, ({ eventTypes }) => eventTypes),
  fromOptions(METRICS_ENDPOINT_OPTIONS, ({ metricsToken }) => ({ token: metricsToken })),
  fromOptions(EndpointTable, ({ endpoints }) => new EndpointTable(endpoints, DIALECTS)),
  fromOptions(AddressRoom, ({ maxConnectionsPerAddress }) => new AddressRoom(maxConnectionsPerAddress)),
  fromOptions(ClientAddresses, ({ trustProxy }) => new ClientAddresses(trustProxy)),
  fromOptions(FailedAttempts, ({ maxFailedAuthentications }) => new FailedAttempts(maxFailedAuthentications)),
  fromOptions(RequestBudget, ({ maxRequestsPerMinute }) => new RequestBudget(maxRequestsPerMinute)),
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
  imports: [DiscoveryModule],
  controllers: [
    ...FEEDS.flatMap(({ controllers = [] }) => controllers),
    ingestController('metrics', MetricsRecorder),
    ...observabilityControllers,
    DocsController,
    StreamController,
    TokensController,
    ...restControllers,
    ...tenantControllers,
    ...adminControllers,
  ],
  providers: [
    ...configured,
    ...persistenceProviders,
    ...authProviders,
    ...tenantProviders,
    ...connectionProviders,
    ...wsProviders,
    ...restProviders,
    ...observabilityProviders,
    ...adminProviders,
    ...FEEDS.flatMap(({ providers }) => providers),
    { provide: STREAM_DIALECTS, useValue: { byName: DIALECTS, usual: DIALECTS.tools } },
    { provide: CHANNELS_RENDERER, useValue: DIALECTS.channels },
    { provide: BROKER, useClass: MemoryBroker },
    { provide: Hub, useFactory: () => new Hub() },
    {
      provide: InboundBudget,
      inject: [Tenants],
      useFactory: (tenants: Tenants) =>
        new InboundBudget((tenant) => tenants.effective(tenant).limits.maxMessagesPerMinute),
    },
    {
      provide: Origins,
      inject: [RESOLVED_OPTIONS, Tenants],
      useFactory: ({ origins }: ResolvedOptions, tenants: Tenants) =>
        new Origins(origins, (tenant) => tenants.effective(tenant).allowedOrigins),
    },
    {
      provide: RETENTION_DAYS,
      inject: [Tenants],
      useFactory: (tenants: Tenants): RetentionDays => ({
        of: (tenant) => tenants.stored(tenant)?.retentionDays ?? null,
        all: () => tenants.retentionDays(),
      }),
    },
    { provide: LOG_TABLES, useValue: [EVENT_LOG, ...FEEDS.flatMap(({ logs = [] }) => logs)] },
    { provide: PRESENCE, inject: [Hub], useFactory: (hub: Hub) => new LocalPresence(hub) },
    Scheduler,
    Collectors,
    StateCache,
    StateRecorder,
    MetricsService,
    WindowMessages,
    Windows,
    Recorder,
    MetricsRecorder,
    SeriesStore,
    DerivedSeries,
    EventStore,
    ChannelDirectory,
    LatestReader,
    SqlReader,
    Retention,
    ChannelSeries,
    RollupReader,
    ...historyProviders,
    Answer,
    JsonBody,
    Cors,
  ],
  exports: [MetricsRecorder, MetricsHistory, ...FEEDS.flatMap((feed) => feed.exports ?? [])],
})
export class MetricastModule extends ConfigurableModuleClass implements OnApplicationBootstrap {
  constructor(
    private readonly hub: Hub,
    @Inject(BROKER) private readonly broker: Broker,
    private readonly tenants: Tenants,
    cors: Cors,
  ) {
    super();
    const controllers = Reflect.getMetadata('controllers', MetricastModule) as readonly Type[];
    for (const controller of controllers) cors.claim(Reflect.getMetadata('path', controller) as string);
  }

  onApplicationBootstrap(): void {
    this.broker.onPublication((publication) => {
      if (this.tenants.isPushed(publication.tenant, publication.channel)) this.hub.deliver(publication);
    });
  }
}
