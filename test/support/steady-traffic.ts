import { gauge } from './test-tenant.js';

const SHOPS = ['north', 'south', 'west'];
const ROUTES = ['/search', '/checkout'];
/** So many rounds after it began, a counter begins anew: not all at once. */
const LIFE = 17;

/** What many instruments record, round by round: gauges, counters that are reset now and then, and histograms. */
export class SteadyTraffic {
  #round = 0;
  readonly #totals = SHOPS.map(() => 0);

  /** What is recorded in the next round: bodies of `POST /ingest/metrics`. */
  next(): Record<string, unknown>[] {
    const round = ++this.#round;
    return [
      ...SHOPS.map((shop, index) =>
        gauge('stock.metrics', { name: 'stock.level', value: 7 * round + index, tags: { shop } }),
      ),
      ...[...SHOPS, ...SHOPS].map((shop, index) => this.#count(shop, index)),
      ...Array.from({ length: 6 }, (_, index) => ROUTES.map((route) => observe(route, round, index))).flat(),
    ];
  }

  #count(shop: string, index: number): Record<string, unknown> {
    const at = index % SHOPS.length;
    const isReset = index < SHOPS.length && (this.#round + 5 * at) % LIFE === 0;
    this.#totals[at] = (isReset ? 0 : this.#totals[at]!) + 1 + ((7 * this.#round + index) % 9);
    return gauge('orders.metrics', { name: 'orders.placed', type: 'counter', value: this.#totals[at], tags: { shop } });
  }
}

function observe(route: string, round: number, index: number): Record<string, unknown> {
  const value = 0.1 + ((31 * round + 17 * index) % 100) / 10;
  return gauge('requests.metrics', { name: 'request.seconds', type: 'histogram', value, tags: { route } });
}
