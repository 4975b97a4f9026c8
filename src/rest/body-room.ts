import { MetricastError } from '../protocol/index.js';

/** Bodies that are being read or wait for the store, all together: where it hangs, they must not fill the memory. */
const MAX_BYTES = 64 * 1024 * 1024;
/** However many bodies one tenant sends, and however slowly, there is room for the others'. */
const MAX_BYTES_OF_TENANT = MAX_BYTES / 4;

/** How much memory the bodies of requests take, and whose they are. */
export class BodyRoom {
  #used = 0;
  readonly #usedBy = new Map<string, number>();

  /** @throws {@link MetricastError} `busy` where there is no room for so many bytes more, or none for this tenant. */
  take(tenant: string, bytes: number): void {
    const own = (this.#usedBy.get(tenant) ?? 0) + bytes;
    if (own > MAX_BYTES_OF_TENANT || this.#used + bytes > MAX_BYTES)
      throw new MetricastError('busy', { retryAfter: 1 });
    this.#used += bytes;
    this.#usedBy.set(tenant, own);
  }

  giveBack(tenant: string, bytes: number): void {
    const own = (this.#usedBy.get(tenant) ?? 0) - bytes;
    this.#used -= bytes;
    if (own > 0) this.#usedBy.set(tenant, own);
    else this.#usedBy.delete(tenant);
  }
}
