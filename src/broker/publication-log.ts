import type { Message, Millis, Publication } from '../protocol/index.js';

/** Publications of one channel that are kept. */
export const KEPT_OF_A_CHANNEL = 300;
/** And how long. */
export const KEPT_FOR: Millis = 300_000;
/** States of all channels together that are kept: each is large, and the newest replaces all before it. */
const MOST_STATES = 10_000;
/** Everything else, of all channels together; what is large counts as several. */
const MOST_OTHERS = 100_000;
/** Characters of tags and texts that count as one more. */
const LARGE = 512;

/** A publication that is kept, between the one of its channel that came after it and its neighbours of all channels. */
interface Entry {
  readonly publication: Publication;
  readonly of: ChannelLog;
  /** Counts what was delivered, on whichever channel. */
  readonly sequence: number;
  readonly at: Millis;
  readonly line: Line;
  readonly weight: number;
  newer: Entry | undefined;
  before: Entry | undefined;
  after: Entry | undefined;
}

/** What is kept of one channel. */
export class ChannelLog {
  /** Of the last publication. */
  offset = 0;
  /** Of the last one that is not kept any more, in full at least; all that came later is. */
  forgotten = 0;
  /** When that one was delivered, among those of all channels. */
  forgottenSequence = 0;
  oldest: Entry | undefined;
  newest: Entry | undefined;
}

/** Entries in the order in which they came, whichever channel they are of. */
class Line {
  oldest: Entry | undefined;
  #newest: Entry | undefined;
  weight = 0;

  constructor(readonly most: number) {}

  push(entry: Entry): void {
    entry.before = this.#newest;
    if (this.#newest) this.#newest.after = entry;
    else this.oldest = entry;
    this.#newest = entry;
    this.weight += entry.weight;
  }

  remove(entry: Entry): void {
    const { before, after } = entry;
    if (before) before.after = after;
    else this.oldest = after;
    if (after) after.before = before;
    else this.#newest = before;
    this.weight -= entry.weight;
    // One that has grown old would keep all that came after it from the quick part of garbage collection.
    entry.newer = entry.before = entry.after = undefined;
  }
}

/** A publication that is kept, and when it was delivered, among those of all channels. */
export type Kept = Pick<Entry, 'publication' | 'sequence'>;

/**
 * The last publications of each channel: at most 300, none older than five minutes, and of all channels together no
 * more than there is memory for; the oldest go first. What is too old goes when something newer comes, or is asked for:
 * no timer is needed.
 */
export class PublicationLog {
  readonly #states = new Line(MOST_STATES);
  readonly #others = new Line(MOST_OTHERS);
  #sequence = 0;

  /** Keeps the newest publication of a channel. The hot path: it costs one object. */
  add(of: ChannelLog, publication: Publication, now: Millis): void {
    const { message } = publication;
    const isState = message.kind === 'state';
    const line = isState ? this.#states : this.#others;
    const entry: Entry = {
      publication,
      of,
      sequence: ++this.#sequence,
      at: now,
      line,
      weight: isState ? 1 : weightOf(message),
      newer: undefined,
      before: undefined,
      after: undefined,
    };
    if (of.newest) of.newest.newer = entry;
    of.oldest ??= entry;
    of.newest = entry;
    line.push(entry);
    while (of.oldest.publication.offset <= publication.offset - KEPT_OF_A_CHANNEL) this.#forgetOldestOf(of);
    this.#expire(now);
  }

  /** What came after this number, oldest first; `undefined` where some of it is not known, or never was. */
  since(of: ChannelLog, offset: number, now: Millis): Kept[] | undefined {
    this.#expire(now);
    if (offset < of.forgotten || offset > of.offset) return undefined;
    const missed: Kept[] = [];
    for (let entry = of.oldest; entry; entry = entry.newer) {
      if (entry.publication.offset > offset) missed.push(entry);
    }
    return missed;
  }

  /** When the publication with this number was delivered, among those of all channels; `undefined` where that is not known. */
  sequenceOf(of: ChannelLog, offset: number, now: Millis): number | undefined {
    this.#expire(now);
    if (offset === of.forgotten) return of.forgottenSequence;
    let sequence: number | undefined;
    // Of views with one number, the last.
    for (let entry = of.oldest; entry && entry.publication.offset <= offset; entry = entry.newer) {
      if (entry.publication.offset === offset) sequence = entry.sequence;
    }
    return sequence;
  }

  /** The number of the last publication of a channel that was delivered by then; `undefined` where that is not known. */
  offsetAt(of: ChannelLog, sequence: number): number | undefined {
    if (sequence < of.forgottenSequence) return undefined;
    let offset = of.forgotten;
    for (let entry = of.oldest; entry && entry.sequence <= sequence; entry = entry.newer) {
      ({ offset } = entry.publication);
    }
    return offset;
  }

  #expire(now: Millis): void {
    this.#shorten(this.#states, now);
    this.#shorten(this.#others, now);
  }

  #shorten(line: Line, now: Millis): void {
    while (line.oldest && (now - line.oldest.at > KEPT_FOR || line.weight > line.most)) this.#forget(line.oldest);
  }

  /** Forgets an entry, and what is older of its channel: it could not be replayed in full any more. */
  #forget(last: Entry): void {
    const { of } = last;
    while (of.forgottenSequence < last.sequence) this.#forgetOldestOf(of);
  }

  #forgetOldestOf(of: ChannelLog): void {
    const entry = of.oldest!;
    of.forgotten = entry.publication.offset;
    of.forgottenSequence = entry.sequence;
    of.oldest = entry.newer;
    if (!entry.newer) of.newest = undefined;
    entry.line.remove(entry);
  }
}

/** Whoever records can make a message some kilobytes large, and as many channels as they like. */
function weightOf(message: Message): number {
  let characters = message.kind === 'event' ? lengthOf(message.data) : 0;
  if (message.kind === 'sample' || message.kind === 'event') characters += lengthOf(message.tags);
  return 1 + Math.floor(characters / LARGE);
}

/** Of the texts in a record. */
function lengthOf(record: Readonly<Record<string, unknown>>): number {
  let length = 0;
  for (const name in record) {
    const value = record[name];
    length += name.length + (typeof value === 'string' ? value.length : 0);
  }
  return length;
}
