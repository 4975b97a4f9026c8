import { Injectable, Logger } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { type Millis, type Sample, type State, type Tags, isPlainText, parseTags } from '../protocol/index.js';
import { DerivedSeries, WriteQueue } from '../store/index.js';
import { Tenants } from '../tenants/index.js';
import { pointKey } from './collected-windows.js';
import { Collectors } from './collectors.js';
import { CounterGrowth } from './counter-growth.js';
import { FailureLog } from './failure-log.js';
import { type Tick, tickKey } from './tick-plan.js';

/**
 * A state is kept every 10 seconds: a chart of hours shows no more, and a state a second of a thousand tenants would be
 * most of what a database is given. A little less, because ticks are never quite on time.
 */
const LEAST_DISTANCE: Millis = 9_500;
/** Channels of tenants of which it is known when they were kept last. */
const MOST_CHANNELS = 100_000;
const MAX_NAME_LENGTH = 200;

/** Keeps the points of collected states as history. They are not published: who watches is shown the state itself. */
@Injectable()
export class StateRecorder {
  readonly #failures = new FailureLog(new Logger(StateRecorder.name), 'kept as history');
  /** When each channel was kept last, on the steady clock. */
  readonly #keptAt = new LRUCache<string, Millis>({ maxSize: MOST_CHANNELS, sizeCalculation: () => 1 });
  readonly #underWay = new Set<string>();
  /** Channels that nobody watched any more while they were being kept. */
  readonly #forgotten = new Set<string>();
  readonly #growth = new CounterGrowth();

  constructor(
    private readonly queue: WriteQueue,
    private readonly series: DerivedSeries,
    private readonly collectors: Collectors,
    private readonly tenants: Tenants,
  ) {}

  /** Keeps what a channel shows as a whole, if it is time again. Does not reject: what is not kept this time is left out. */
  async keep(tick: Tick, state: State): Promise<void> {
    const key = tickKey(tick);
    const now = performance.now();
    if (this.#underWay.has(key) || now - (this.#keptAt.get(key) ?? -Infinity) < LEAST_DISTANCE) return;
    this.#keptAt.set(key, now);
    this.#underWay.add(key);
    try {
      await this.#write(tick, state);
      this.#failures.succeeded(tick);
    } catch (error) {
      this.#failures.failed(tick, error);
    } finally {
      this.#underWay.delete(key);
      if (this.#forgotten.delete(key)) this.#failures.forget(tick);
    }
  }

  /** Nobody watches the channel any more: whether it could be kept is not known. */
  forget(tick: Tick): void {
    this.#failures.forget(tick);
    const key = tickKey(tick);
    if (this.#underWay.has(key)) this.#forgotten.add(key);
  }

  async #write(tick: Tick, state: State): Promise<void> {
    const { tenant, channel } = tick;
    const { notKept = [] } = this.collectors.get(channel) ?? {};
    const samples = state
      .points()
      .filter(({ name }) => !notKept.includes(name))
      .flatMap((point) => storable(point) ?? [])
      .map((sample) => (sample.type === 'counter' ? { ...sample, increase: this.#grownBy(tick, sample) } : sample));
    if (samples.length === 0) return;
    const metrics = samples.map((sample) => ({ channel, sample, isOfState: true }));
    const { maxSeries } = this.tenants.effective(tenant).limits;
    const remember = await this.queue.write(
      samples.length,
      () => this.series.append(tenant, metrics, maxSeries),
      tenant,
    );
    remember();
    for (const sample of samples) {
      if (sample.type === 'counter') this.#growth.remember(counterKey(tick, sample), sample.value);
    }
  }

  #grownBy(tick: Tick, sample: Sample): number {
    return this.#growth.of(counterKey(tick, sample), sample.value);
  }
}

function counterKey(tick: Tick, sample: Sample): string {
  return `${tickKey(tick)} ${pointKey(sample)}`;
}

/** The point as it can be stored; `undefined` where that is not possible: a host may name its points as it likes. */
function storable(point: Sample): Sample | undefined {
  const tags: Tags | string = parseTags(point.tags);
  return typeof tags !== 'string' && isPlainText(point.name, MAX_NAME_LENGTH) ? { ...point, tags } : undefined;
}
