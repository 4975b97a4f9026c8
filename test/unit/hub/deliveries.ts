import { Batch } from '../../../src/hub/batch.js';
import type { Framing } from '../../../src/hub/index.js';
import type { Outbox } from '../../../src/hub/outbox.js';
import { Delivery } from '../../../src/hub/delivery.js';
import { Rendering } from '../../../src/hub/rendering.js';
import type { Publication } from '../../../src/protocol/index.js';
import { PlainDialect } from '../../support/plain-dialect.js';
import { ORDERS, eventWith, publicationOf, stateFor } from '../../support/publications.js';
import type { RecordingTransport } from '../../support/recording-transport.js';

/** Lines of JSON, filled up with spaces where the data say a size. */
const sizedLines: Framing = {
  name: 'sized lines',
  frame: (message) => line(message, (message as { data?: { size?: number } | null }).data?.size),
};
const rendering = new Rendering(new PlainDialect(), sizedLines, 'snapshot');

/** A publication as all are sent it who want it. */
export function deliveryOf(publication: Publication): Delivery {
  return new Delivery(rendering.frameOf(publication)!, { publication, rendering });
}

/** An event that says this text, in as many bytes. */
export function event(text: string, size?: number): Delivery {
  return deliveryOf(publicationOf(eventWith({ data: { text, size } })));
}

/** A state that says this text, in as many bytes. */
export function state(text: string, { channel = ORDERS, size }: { channel?: typeof ORDERS; size?: number } = {}) {
  return deliveryOf(publicationOf(stateFor(undefined, { data: { text, size } }), { channel }));
}

/** What is for one connection alone, in as many bytes. */
export function ownFrame(text: string, size?: number): Delivery {
  return new Delivery(line({ data: { text } }, size));
}

/** Adds deliveries to what this turn brings, without an end of the turn. */
export function push(outbox: Outbox, ...deliveries: Delivery[]): void {
  for (const delivery of deliveries) outbox.pending = (outbox.pending ?? Batch.empty()).and(delivery);
}

/** The texts that arrived. */
export function textsOf({ messages }: RecordingTransport): string[] {
  return messages.map(({ data }) => (data as { text: string }).text);
}

/** For how many publications each frame that arrived stands. */
export function countsOf({ messages }: RecordingTransport): number[] {
  return messages.map(({ conflated = 1 }) => conflated as number);
}

function line(message: object, size = 0): Buffer {
  return Buffer.from(`${JSON.stringify(message).padEnd(size - 1)}\n`);
}
