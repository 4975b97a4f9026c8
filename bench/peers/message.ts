import { MARKER } from '../generator/generator.js';

const TAGS = 12;
const TAG_BYTES = 61;
const HEXADECIMAL = 16;

/** The channel that is measured, of the one or of the several. */
export function channelName(index: number): string {
  return index === 0 ? 'bench.metrics' : `bench-${index}.metrics`;
}

/** Points as they are recorded, one after another on so many channels. */
export function points(count: number, channels = 1): readonly object[] {
  return Array.from({ length: count }, (_, index) => ({
    channel: channelName(index % channels),
    name: 'requests',
    type: 'gauge',
    value: 1000 + index / 8,
    tags: TAG_SET,
  }));
}

/** The same points as a client is sent them: 1 KB of JSON each, with one marker. */
export function messages(count: number): readonly object[] {
  return points(count).map((point, index) => {
    const { tags, ...rest } = point as { tags: object };
    return { ...rest, timestamp: '2026-11-21T12:00:00.000Z', tags, offset: 1000 + index };
  });
}

const TAG_SET = Object.fromEntries(
  Array.from({ length: TAGS }, (_, index) => {
    const text = noise(index).slice(0, TAG_BYTES - (index === 0 ? 1 : 0));
    return [`label_${index.toString().padStart(2, '0')}`, index === 0 ? `${text}${MARKER}` : text];
  }),
);

/** Digits that do not repeat, or compression would have nothing to do. The same in every run. */
function noise(seed: number): string {
  let state = seed + 1;
  let text = '';
  while (text.length < TAG_BYTES) {
    // https://en.wikipedia.org/wiki/Linear_congruential_generator, the parameters of Numerical Recipes.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    text += (state >>> 8).toString(HEXADECIMAL);
  }
  return text;
}
