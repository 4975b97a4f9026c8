import { IsOptional, ValidateBy } from 'class-validator';
import { TENANT_ID_FORM, isPlainText, parseTenantId } from '../protocol/index.js';

const PlainText = () =>
  ValidateBy(
    { name: 'plainText', validator: { validate: (value) => isPlainText(value) } },
    { message: 'must be a printable text of at most 256 characters' },
  );

const TenantName = () =>
  ValidateBy(
    { name: 'tenantName', validator: { validate: (value) => parseTenantId(value) !== undefined } },
    { message: `must be ${TENANT_ID_FORM}` },
  );

/** The body that says which tokens are not to be taken any more: one of the three, and the tenant beside the others. */
export class RevocationDto {
  @IsOptional()
  @PlainText()
  jti?: string | null;

  @IsOptional()
  @PlainText()
  sub?: string | null;

  @IsOptional()
  @TenantName()
  tenant_id?: string | null;
}
