import { randomUUID } from 'node:crypto';
import { JwtService } from '@nestjs/jwt';
import { isSymmetric } from '../auth/algorithms.js';
import { ROLES, type Role, type TenantId, isPlainText, parseTenantId } from '../protocol/index.js';
import {
  EnvironmentError,
  JWT_SECRET_FORM,
  type Variables,
  oneOf,
  readJwtAlgorithm,
  readJwtSecret,
  variableReader,
} from '../variables.js';
import { type Command, UsageError, parseArguments } from './command.js';
import { DURATION_FORM, parseDuration } from './duration.js';

export const token: Command = {
  help: `Usage: metricast token --tenant TENANT --roles ROLE[,ROLE…] --expires DURATION [--subject SUBJECT]

Signs a token with JWT_SECRET_KEY, by the algorithm JWT_ALGORITHM (HS256, HS384 or HS512), and prints it. A server with
the same key and algorithm takes it.

  --tenant   whose metrics the holder sees and records
  --roles    what the holder may do: ${ROLES.join(', ')}
  --expires  how long the token is valid: 30s, 15m, 1h, 7d
  --subject  who the holder is (default: cli)

Example: TOKEN="$(metricast token --tenant acme --roles viewer,ingest --expires 1h)"
`,

  async run(args) {
    const { options, operands } = parseArguments(args, ['tenant', 'roles', 'expires', 'subject']);
    if (operands.length > 0) throw new UsageError('takes options only');
    const grant: Grant = {
      tenant: readOption('--tenant', options.tenant, parseTenantId, '1 to 128 characters of A-Z a-z 0-9 _ . -'),
      roles: readOption('--roles', options.roles, parseRoles, `one or more of ${ROLES.join(',')}`),
      seconds: readOption('--expires', options.expires, parseDuration, DURATION_FORM),
      subject: readOption('--subject', options.subject ?? 'cli', parseSubject, 'a printable text'),
    };
    process.stdout.write(`${signToken(grant, process.env, Date.now())}\n`);
    return 0;
  },
};

interface Grant {
  readonly subject: string;
  readonly tenant: TenantId;
  readonly roles: readonly Role[];
  /** How long. */
  readonly seconds: number;
}

function signToken({ subject, tenant, roles, seconds }: Grant, variables: Variables, now: number): string {
  const read = variableReader(variables);
  const algorithm = readJwtAlgorithm(read);
  if (!isSymmetric(algorithm)) {
    throw new EnvironmentError(`JWT_ALGORITHM is ${algorithm}: the owner of the private key must sign the token`);
  }
  const secret = readJwtSecret(read);
  if (secret === undefined) {
    throw new EnvironmentError(`JWT_SECRET_KEY is missing: it must be the server's key, ${JWT_SECRET_FORM}`);
  }
  const iat = Math.floor(now / 1000);
  const claims = { sub: subject, tenant_id: tenant, roles, iat, exp: iat + seconds, jti: randomUUID() };
  return new JwtService().sign(claims, { secret, algorithm });
}

function readOption<T>(
  name: string,
  value: string | undefined,
  parse: (value: string) => T | undefined,
  form: string,
): T {
  if (value === undefined) throw new UsageError(`${name} is missing: it must be ${form}`);
  const parsed = parse(value);
  if (parsed === undefined) throw new UsageError(`${name} was ${JSON.stringify(value)}: it must be ${form}`);
  return parsed;
}

function parseRoles(value: string): Role[] | undefined {
  const roles = value.split(',').map((role) => oneOf(ROLES)(role.trim()));
  return roles.every((role) => role !== undefined) ? [...new Set(roles)] : undefined;
}

function parseSubject(value: string): string | undefined {
  return isPlainText(value) ? value : undefined;
}
