import { MARKER, type Publishing } from '../generator/generator.js';
import { post } from '../generator/wire.js';
import { channelName } from '../peers/message.js';

/** Of a message on the wire, about. */
export const LARGE_BYTES = 4096;

/** Where ours takes them. */
export const INGEST_PATH = '/ingest/metrics';

/** All tags of a point together may have 4,096 characters. */
const TAGS = 16;
const TAG_BYTES = 240;

/** Publishes messages with which queues are soon full, so many at once. */
export function largeMessages(port: number, path: string, count: number): Publishing {
  const padding = Array.from({ length: TAGS }, (_, index) => [`label_${index}`, 'x'.repeat(TAG_BYTES)]);
  const tags = { ...Object.fromEntries(padding), label_0: MARKER };
  const message = { channel: channelName(0), name: 'requests', type: 'gauge', value: 1, tags };
  return { port, request: post(path, Array<object>(count).fill(message)), publications: count };
}
