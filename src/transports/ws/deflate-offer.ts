import { WINDOW_BITS } from './deflate.js';

type IsAcceptable = (value: string | undefined) => boolean;

/** The parameters that an offer can have (RFC 7692, 7.1). */
const PARAMETERS: ReadonlyMap<string, IsAcceptable> = new Map<string, IsAcceptable>([
  ['server_no_context_takeover', isAbsent],
  ['client_no_context_takeover', isAbsent],
  // What is compressed once for many has one window, and who can't take that gets it uncompressed.
  ['server_max_window_bits', (value) => isWindow(value) && Number(value) >= WINDOW_BITS],
  ['client_max_window_bits', (value) => isAbsent(value) || isWindow(value)],
]);

/**
 * The first offer of permessage-deflate in a `Sec-WebSocket-Extensions` header that can be accepted, alone; `undefined`
 * where there is none. Any other is to be declined (RFC 7692, 7.1), which is no reason to refuse the client.
 */
export function acceptableOffer(header = ''): string | undefined {
  return header
    .replaceAll(QUOTED, (_all, content: string) => (/^\w+$/.test(content) ? content : '?'))
    .split(',')
    .map((offer) => offer.trim())
    .find(isOfDeflate);
}

/**
 * A parameter's value may be quoted (RFC 6455, 9.1), and hold then what else would separate. A quote that is not closed
 * reaches to the end: it must not be looked for again from every one that follows.
 */
const QUOTED = /"((?:[^"\\]|\\.)*)(?:"|\\?$)/g;

function isOfDeflate(offer: string): boolean {
  const [extension, ...parameters] = offer.split(';').map((part) => part.trim());
  if (extension !== 'permessage-deflate') return false;
  const named = new Map(parameters.map((parameter) => [parameter.split('=', 1)[0]!, valueOf(parameter)]));
  return named.size === parameters.length && [...named].every(([name, value]) => PARAMETERS.get(name)?.(value));
}

function valueOf(parameter: string): string | undefined {
  const at = parameter.indexOf('=');
  return at < 0 ? undefined : parameter.slice(at + 1);
}

function isAbsent(value: string | undefined): boolean {
  return value === undefined;
}

function isWindow(value: string | undefined): boolean {
  return /^([89]|1[0-5])$/.test(value ?? '');
}
