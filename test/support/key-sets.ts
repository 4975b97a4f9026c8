import { type KeyObject, generateKeyPairSync } from 'node:crypto';
import { JwtService } from '@nestjs/jwt';
import { secondsFromNow } from './app.js';

/** A key that signs tokens, and what a key set says of it. */
export class SigningKey {
  readonly #pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  constructor(readonly kid: string) {}

  /** Its public half, as in a key set; with fields of its own, `undefined` takes one away. */
  jwk(fields: object = {}): object {
    return { ...this.#pair.publicKey.export({ format: 'jwk' }), kid: this.kid, use: 'sig', alg: 'ES256', ...fields };
  }

  /** Both halves, which nobody should give away. */
  privateJwk(): object {
    return { ...this.#pair.privateKey.export({ format: 'jwk' }), kid: this.kid };
  }

  /** A token that it signed, whose header names this key; another, or none where that is null. */
  token(claims: object = {}, kid: string | null = this.kid): string {
    const all = { sub: 'ada', tenant_id: 'acme', roles: ['viewer', 'ingest'], exp: secondsFromNow(60), ...claims };
    return new JwtService().sign(all, {
      algorithm: 'ES256',
      privateKey: this.#pair.privateKey as KeyObject as never,
      header: { alg: 'ES256', ...(kid !== null && { kid }) },
    });
  }
}

export function keySetOf(...keys: object[]): string {
  return JSON.stringify({ keys });
}
