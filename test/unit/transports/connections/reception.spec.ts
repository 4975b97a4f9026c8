import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RevocationList } from '../../../../src/auth/index.js';
import { CLOSE } from '../../../../src/protocol/index.js';
import { Reception } from '../../../../src/transports/connections/index.js';
import { TestApp } from '../../../support/app.js';
import { PlainDialect, lineFraming } from '../../../support/plain-dialect.js';
import { principalWith } from '../../../support/principals.js';
import { RecordingTransport } from '../../../support/recording-transport.js';

describe('somebody whose token was revoked while their stream was made ready', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.close());

  it('is sent away, and nobody else', () => {
    const of = <T>(type: new (...args: never[]) => T) => app.app.get<T>(type, { strict: false });
    of(RevocationList).add({ kind: 'jti', value: 'revoked', tenant: null, revokedAt: Date.now() });
    const closesOf = (tokenId: string) => {
      const transport = new RecordingTransport();
      of(Reception).open({
        principal: principalWith({ tokenId }),
        dialect: new PlainDialect(),
        framing: lineFraming(),
        transport,
        query: new URLSearchParams(),
      });
      return transport.closes;
    };

    expect(closesOf('revoked')).toEqual([CLOSE.tokenRevoked]);
    expect(closesOf('good')).toEqual([]);
  });
});
