import { Controller, Post, Req, Res, UseFilters, UseGuards, VERSION_NEUTRAL } from '@nestjs/common';
import { type FieldError, parseTenantId } from '../protocol/index.js';
import { Answer, JsonBody, ProblemFilter, readDto, requireNone } from '../rest/index.js';
import { hasRole } from './authenticator.js';
import { principalOf } from './caller.js';
import { HttpAuthGuard } from './http-auth.guard.js';
import type { Revocation } from './revocation-list.js';
import { RevocationDto } from './revocation.dto.js';
import { Revocations } from './revocations.js';
import { RequireRole } from './roles.decorator.js';
import { enterTenant } from './tenant-access.js';

const PATH = 'admin/tokens/revoke';

/** Takes tokens back before they end. */
@Controller({ path: PATH, version: VERSION_NEUTRAL })
@UseGuards(HttpAuthGuard)
@UseFilters(ProblemFilter)
@RequireRole('admin')
export class TokensController {
  constructor(
    private readonly body: JsonBody,
    private readonly answer: Answer,
    private readonly revocations: Revocations,
  ) {
    body.claim(`/${PATH}`);
  }

  @Post()
  async revoke(@Req() request: object, @Res() response: object): Promise<void> {
    const principal = principalOf(request);
    await this.body.use({ request, response, tenant: principal.tenant }, async (value) => {
      const { dto, errors } = readDto(RevocationDto, value);
      requireNone([...errors, ...countErrors(dto)]);
      await this.revocations.revoke(revocationOf(dto, request), principal);
      this.answer.send(response, 200, { revoked: true });
    });
  }
}

function* countErrors({ jti, sub, tenant_id: tenant }: RevocationDto): Generator<FieldError> {
  if (jti != null && sub != null) yield { field: 'sub', message: 'must not stand beside jti' };
  if (jti == null && sub == null && tenant == null) yield { field: 'jti', message: 'jti, sub or tenant_id is missing' };
}

/**
 * What is to be revoked, and where: in the tenant that is named, or else in all by an operator, in the own one by anybody
 * else.
 *
 * @throws {@link MetricastError} for a tenant that they may not enter, as {@link enterTenant}.
 */
function revocationOf({ jti, sub, tenant_id: named }: RevocationDto, request: object): Omit<Revocation, 'revokedAt'> {
  const by = principalOf(request);
  const usual = hasRole(by, 'operator') ? null : by.tenant;
  const tenant = parseTenantId(named) ?? usual;
  if (tenant !== null) enterTenant(request, tenant);
  if (jti != null) return { kind: 'jti', value: jti, tenant };
  if (sub != null) return { kind: 'sub', value: sub, tenant };
  return { kind: 'tenant', value: tenant!, tenant };
}
