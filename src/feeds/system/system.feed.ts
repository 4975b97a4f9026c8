import { Injectable } from '@nestjs/common';
import { CollectMetrics } from '../../metrics/index.js';
import { SYSTEM_METRICS } from '../../protocol/index.js';
import { SystemReader } from './system-reader.js';
import type { SystemState } from './system-state.js';

/** The channel `system.metrics`: the machine and the process that serve it, the same for every tenant. */
@Injectable()
export class SystemFeed {
  constructor(private readonly reader: SystemReader) {}

  @CollectMetrics(SYSTEM_METRICS, {
    points: {
      'cpu.percent': 'gauge',
      'memory.percent': 'gauge',
      'disk.percent': 'gauge',
      'network.bytes_sent': 'counter',
      'network.bytes_recv': 'counter',
    },
  })
  collect(): Promise<SystemState> {
    return this.reader.read();
  }
}
