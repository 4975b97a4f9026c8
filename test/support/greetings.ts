import type { Greeting } from '../../src/protocol/index.js';
import { principalWith } from './principals.js';

/** What a dialect is told of a connection that opens. */
export function greetingWith(particulars: Partial<Greeting> = {}): Greeting {
  return {
    connectionId: 'c',
    principal: principalWith(),
    query: new URLSearchParams(),
    now: 0,
    heartbeatInterval: 30,
    updateInterval: 1,
    ...particulars,
  };
}
