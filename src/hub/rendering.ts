import { type Failure, type Format, type Message, type Publication, type State, cursorOf } from '../protocol/index.js';
import type { Framing, Renderer } from './ports.js';

/** How a publication is put into bytes: in which words, in which form, and how these are framed. */
export class Rendering {
  /** Equal for renderings that make the same bytes of the same publication. */
  readonly name: string;

  constructor(
    readonly renderer: Renderer,
    readonly framing: Framing,
    readonly format: Format,
  ) {
    this.name = `${renderer.name} ${framing.name} ${format}`;
  }

  /**
   * The publication as it is sent to everyone who wants it like this; `undefined` where the dialect has no words for it.
   *
   * @param conflated how many publications it stands for, where a slow reader gets it in place of several.
   */
  frameOf(publication: Publication, conflated?: number): Buffer | undefined {
    const messages = this.renderer.render(publication, this.format);
    const head = { cursor: cursorOf(publication), isError: publication.message.kind === 'failure' };
    const frames = messages.map((one) => this.framing.frame(conflated ? { ...one, conflated } : one, head));
    // The frames of one publication travel as one piece: a receiver cannot tell.
    return frames.length > 1 ? Buffer.concat(frames) : frames[0];
  }
}

/** True for what shows a channel as a whole, or that this failed: the next one replaces it. */
export function isStateLike(message: Message): message is State | Failure {
  return message.kind === 'state' || message.kind === 'failure';
}
