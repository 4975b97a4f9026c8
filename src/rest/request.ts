import type { IncomingMessage } from 'node:http';

/** The query of a request as it was sent, whatever the host's query parser and pipes would make of it. */
export function queryOf(platformRequest: object): URLSearchParams {
  const { url = '' } = platformRequest as IncomingMessage;
  return new URLSearchParams(url.split('?').slice(1).join('?'));
}

/** The path of a request as it was sent, the host's prefix included, without a slash at its end. */
export function pathOf(platformRequest: object): string {
  const { url = '' } = platformRequest as IncomingMessage;
  return url.split('?', 1)[0]!.replace(/\/+$/, '');
}

/** A parameter of the route's path, decoded. */
export function pathParameter(platformRequest: object, name: string): string {
  return (platformRequest as { readonly params: Readonly<Record<string, string>> }).params[name]!;
}
