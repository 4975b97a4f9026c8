const TENANT_PARAMETERS = ['tenant_id', 'workspace_id', 'workspaceId'];

/** The token of an `Authorization: Bearer` header (RFC 6750). */
export function bearerToken(header: string | undefined): string | undefined {
  return header === undefined ? undefined : (/^Bearer +(\S+) *$/i.exec(header)?.[1] ?? '');
}

/** Every tenant that a query string names, in whatever way it names it, `tenant_id[]` and the like included. */
export function tenantsIn(query: URLSearchParams): string[] {
  const named: string[] = [];
  for (const [name, value] of query) {
    if (TENANT_PARAMETERS.includes(name.replace(/\[.*$/s, ''))) named.push(value);
  }
  return named;
}
