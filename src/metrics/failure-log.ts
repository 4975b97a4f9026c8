import { Logger } from '@nestjs/common';
import { type ChannelName, type TenantId, describeThrown } from '../protocol/index.js';
import type { Tick } from './tick-plan.js';

/** Logs that a channel cannot be collected, say, when that begins and when it is over, and not at each tick in between. */
export class FailureLog {
  /** For which tenants each channel failed the last time. */
  readonly #failing = new Map<ChannelName, Set<TenantId>>();

  /** @param done to the channels: `collected`, say. */
  constructor(
    private readonly logger: Logger,
    private readonly done: string,
  ) {}

  failed({ tenant, channel }: Tick, error: unknown): void {
    const tenants = this.#failing.get(channel);
    if (tenants) {
      tenants.add(tenant);
      return;
    }
    this.#failing.set(channel, new Set([tenant]));
    this.logger.error(`${channel} could not be ${this.done}: ${describeThrown(error)}`);
  }

  succeeded({ tenant, channel }: Tick): void {
    if (this.#forget(tenant, channel)) this.logger.log(`${channel} is ${this.done} again`);
  }

  /** Nobody asks for it any more: whether it would fail is not known. */
  forget({ tenant, channel }: Tick): void {
    this.#forget(tenant, channel);
  }

  /** True where this was the last tenant for which it failed. */
  #forget(tenant: TenantId, channel: ChannelName): boolean {
    const tenants = this.#failing.get(channel);
    if (!tenants?.delete(tenant) || tenants.size > 0) return false;
    return this.#failing.delete(channel);
  }
}
