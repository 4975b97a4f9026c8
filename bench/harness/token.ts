import { createSecretKey, randomBytes } from 'node:crypto';
import { JwtService } from '@nestjs/jwt';

/** The key of every server that is measured with tokens. */
export const JWT_SECRET_KEY = randomBytes(32).toString('hex');

// As a key and not as a text, which `jsonwebtoken` takes for a public key first, at 400 µs a token.
const jwt = new JwtService({ secret: createSecretKey(Buffer.from(JWT_SECRET_KEY)) });

/** A token that the servers take for an hour. */
export function signToken(subject: string, tenant: string, roles: readonly string[] = ['viewer']): string {
  const claims = { sub: subject, tenant_id: tenant, roles };
  return jwt.sign(claims, { algorithm: 'HS256', expiresIn: '1h' });
}
