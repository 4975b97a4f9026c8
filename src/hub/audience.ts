import {
  type Format,
  type Message,
  type Publication,
  type TagFilter,
  canonicalKey,
  cursorOf,
  matchesFilter,
} from '../protocol/index.js';
import type { Framing, Renderer } from './ports.js';

/** The frames of a publication, by the rendering that they are in. Audiences that differ only in filter share them. */
export type ReadyFrames = Map<string, Buffer | undefined>;

/**
 * The connections that want the same of a channel: same dialect, framing, format, filter and event types. A publication
 * is rendered and encoded once for all of them, and each is given the very same buffer.
 */
export class Audience<Member> {
  readonly members = new Set<Member>();
  /** States that its members were sent so far. */
  states = 0;
  readonly filterKey: string;
  /** Names what this audience's frames look like, whatever its filter lets through. */
  readonly rendering: string;
  readonly key: string;
  readonly #filtersNothing: boolean;

  constructor(
    readonly renderer: Renderer,
    readonly framing: Framing,
    readonly format: Format,
    readonly filter: TagFilter,
    readonly events?: readonly string[],
  ) {
    this.filterKey = canonicalKey(filter);
    this.rendering = `${renderer.name} ${framing.name} ${format}`;
    // No event type holds a space.
    this.key = `${this.rendering} ${events?.join(',') ?? '*'} ${this.filterKey}`;
    this.#filtersNothing = this.filterKey === '';
  }

  /** A state is collected for a filter, and is for those who asked with it. Everything else is matched by its tags. */
  wants(message: Message): boolean {
    if (message.kind === 'state' || message.kind === 'failure') return message.filterKey === this.filterKey;
    if (message.kind === 'event' && this.events && !this.events.includes(message.type)) return false;
    return this.#filtersNothing || matchesFilter(this.filter, message.tags);
  }

  /** The one buffer for this publication; `undefined` where the dialect has no words for it. */
  frameOf(publication: Publication, ready: ReadyFrames): Buffer | undefined {
    let frame = ready.get(this.rendering);
    if (frame === undefined && !ready.has(this.rendering)) {
      const messages = this.renderer.render(publication, this.format);
      const head = { cursor: cursorOf(publication), isError: publication.message.kind === 'failure' };
      // The frames of one publication travel as one piece: a receiver cannot tell.
      if (messages.length === 1) frame = this.framing.frame(messages[0]!, head);
      else if (messages.length > 1) frame = Buffer.concat(messages.map((one) => this.framing.frame(one, head)));
      ready.set(this.rendering, frame);
    }
    return frame;
  }
}
