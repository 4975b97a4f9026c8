const TENANT_PARAMETERS = ['tenant_id', 'workspace_id', 'workspaceId'];

/** The token of an `Authorization: Bearer` header (RFC 6750). */
export function bearerToken(header: string | undefined): string | undefined {
  return header === undefined ? undefined : (/^Bearer +(\S+) *$/i.exec(header)?.[1] ?? '');
}

/** Every tenant that a query string names. An item of a list (`tenant_id[]=…`) counts as one without a name: none allows it. */
export function tenantsIn(query: URLSearchParams): string[] {
  const named: string[] = [];
  for (const [name, value] of query) {
    const parameter = name.split('[', 1)[0]!;
    if (TENANT_PARAMETERS.includes(parameter)) named.push(name === parameter ? value : '');
  }
  return named;
}
