import { expect, test } from 'vitest';
import { type Authenticator, Entrance } from '../../../src/auth/index.js';
import { FailedAttempts } from '../../../src/limits/index.js';

test('only so many wait for a key at once, and as many again when it has come', async () => {
  const letGo: (() => void)[] = [];
  const authenticator = { seekKey: () => new Promise<void>((resolve) => letGo.push(resolve)) };
  const entrance = new Entrance(authenticator as unknown as Authenticator, new FailedAttempts(0));
  for (let round = 0; round < 2; round++) {
    const waiting = Array.from({ length: 501 }, () => entrance.seekKey('token')).filter((each) => each !== undefined);
    expect(waiting).toHaveLength(500);
    for (const go of letGo.splice(0)) go();
    await Promise.all(waiting);
  }
});
