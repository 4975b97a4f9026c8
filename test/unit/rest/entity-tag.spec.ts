import { describe, expect, it } from 'vitest';
import { entityTagOf, namesTag } from '../../../src/rest/entity-tag.js';

describe('an entity tag', () => {
  const tag = entityTagOf('{"items":[]}');

  it('is weak, and the same for the same text alone', () => {
    expect(tag).toMatch(/^W\/"[\w-]{43}"$/);
    expect(entityTagOf('{"items":[]}')).toBe(tag);
    expect(entityTagOf('{"items":[ ]}')).not.toBe(tag);
  });

  it.each([tag, tag.slice(2), `"x", ${tag}`, `${tag.slice(2)},"x"`, ' * ', '*'])('is named by %s', (header) => {
    expect(namesTag(header, tag)).toBe(true);
  });

  it.each([undefined, '', '"x"', tag.slice(0, -2), tag.replaceAll('"', ''), `x${tag}`, '"*"', ',,'])(
    'is not named by %s',
    (header) => {
      expect(namesTag(header, tag)).toBe(false);
    },
  );
});
