import { expect, it, vi } from 'vitest';
import { RetentionPace } from '../../../src/store/retention-pace.js';

it('rests once for all that was worked since the last time, and not at all for nothing', async () => {
  const sleep = vi.fn().mockResolvedValue(undefined);
  const pace = new RetentionPace(sleep);
  await pace.rest();
  pace.worked(3);
  pace.worked(4);
  await pace.rest();
  await pace.rest();
  pace.worked(1);
  await pace.rest();
  expect(sleep.mock.calls).toEqual([[7], [1]]);
});
