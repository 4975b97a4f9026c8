import { Admission } from './admission.js';
import { CommandHandlers } from './command-handlers.js';
import { DialectErrorFilter } from './dialect-error.filter.js';
import { FirstFrames } from './first-frames.js';
import { MetricastWsAdapter } from './metricast-ws.adapter.js';
import { MetricsGateway } from './metrics.gateway.js';

export { ADMISSION_OPTIONS } from './admission.js';
export { EndpointTable, withoutSlash } from './endpoints.js';

export const wsProviders = [
  Admission,
  CommandHandlers,
  DialectErrorFilter,
  FirstFrames,
  MetricastWsAdapter,
  MetricsGateway,
];
