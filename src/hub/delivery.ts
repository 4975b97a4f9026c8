import { type Publication, canonicalKey } from '../protocol/index.js';
import type { Rendering } from './rendering.js';

/**
 * A publication in the bytes that all members of its audiences are sent, made once: the queues of all connections hold
 * this very object. Or a frame for one connection alone, which is no publication.
 */
export class Delivery {
  #series: string | undefined;

  constructor(
    readonly frame: Buffer,
    readonly published?: Published,
  ) {}

  /** What a newer publication with the same name can stand in for; `undefined` for what nothing can replace. */
  get series(): string | undefined {
    if (this.#series === undefined && this.published) this.#series = seriesOf(this.published.publication);
    return this.#series || undefined;
  }
}

export interface Published {
  readonly publication: Publication;
  readonly rendering: Rendering;
}

function seriesOf({ channel, message }: Publication): string {
  switch (message.kind) {
    case 'state':
    case 'failure':
      return channel;
    case 'sample': {
      const { window, type, name, tags } = message;
      // A client may have changed from one view of a channel to another while the windows of the first wait.
      const span = window ? `${window.interval} ${window.filterKey ?? '*'}` : '';
      return `${channel} ${type} ${JSON.stringify(name)} ${canonicalKey(tags)} ${span}`;
    }
    case 'event':
      return '';
  }
}
