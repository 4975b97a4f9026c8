import type { Millis, Principal, TenantId } from '../protocol/index.js';

interface Window {
  startedAt: Millis;
  used: number;
}

/**
 * How many messages a subject may send in a minute, over all its connections, so that connecting again wins nothing.
 * A window of one minute starts with its first message.
 */
export class InboundBudget {
  static readonly WINDOW: Millis = 60_000;
  static readonly BYTES_A_MESSAGE = 16 * 1024;
  readonly #windows = new Map<string, Window>();
  #nextCleanUp: Millis = 0;

  /** @param limitOf messages a minute of each subject of a tenant; 0 for no limit. Asked for every message: it may change. */
  constructor(private readonly limitOf: (tenant: TenantId) => number) {}

  /**
   * Takes a message from the subject's budget. Returns 0, or the seconds until there is budget again.
   *
   * @param bytes what it has: a large message takes time to read, and counts as several.
   */
  take({ tenant, subject }: Pick<Principal, 'tenant' | 'subject'>, now: Millis, bytes = 0): number {
    const limit = this.limitOf(tenant);
    if (limit === 0) return 0;
    const key = `${tenant} ${subject}`;
    let window = this.#windows.get(key);
    if (!window || hasEnded(window, now)) {
      this.#cleanUp(now);
      this.#windows.set(key, (window = { startedAt: now, used: 0 }));
    }
    if (window.used < limit) {
      window.used += Math.max(1, Math.ceil(bytes / InboundBudget.BYTES_A_MESSAGE));
      return 0;
    }
    return Math.max(1, Math.ceil((window.startedAt + InboundBudget.WINDOW - now) / 1000));
  }

  /** Forgets ended windows, at most once a minute: amortized, a constant cost per message. */
  #cleanUp(now: Millis): void {
    if (now < this.#nextCleanUp) return;
    this.#nextCleanUp = now + InboundBudget.WINDOW;
    for (const [subject, window] of this.#windows) {
      if (hasEnded(window, now)) this.#windows.delete(subject);
    }
  }
}

/** A window that begins in the future is of a clock that was set back since. */
function hasEnded({ startedAt }: Window, now: Millis): boolean {
  return now - startedAt >= InboundBudget.WINDOW || now < startedAt;
}
