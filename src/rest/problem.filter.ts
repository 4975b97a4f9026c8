import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { ERRORS, type ErrorCode, type FieldError, MetricastError, describeThrown } from '../protocol/index.js';

/** What a failed REST request is answered with, after RFC 9457. */
export interface Problem {
  readonly statusCode: number;
  readonly code: string;
  readonly message: string;
  readonly errors?: readonly FieldError[];
}

/** Answers every error of a REST request in one shape, without stack, SQL or anything that the client sent. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  readonly #logger = new Logger(ProblemFilter.name);

  constructor(private readonly host: HttpAdapterHost) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const error = thrown instanceof HttpException ? fromHttpException(thrown) : MetricastError.from(thrown);
    // A refusal of the platform's keeps its status, known to us or not: 405 is not 400.
    const isRefusal = thrown instanceof HttpException && thrown.getStatus() < 500;
    const status = isRefusal ? thrown.getStatus() : ERRORS[error.code].status;
    // Without a cause there is nothing to tell but that it was refused, of which strangers could fill the log.
    if (status >= 500 && error.cause !== undefined) {
      this.#logger.error(`${error.message}: ${describeThrown(error.cause)}`);
    }
    const response = host.switchToHttp().getResponse<object>();
    const { httpAdapter } = this.host;
    // Too late: something of the host's threw after the answer had left.
    if (httpAdapter.isHeadersSent(response)) return;
    for (const [name, value] of headersOf(error)) httpAdapter.setHeader(response, name, value);
    httpAdapter.reply(response, problemOf(error, status), status);
  }
}

/** What a client is told of an error by HTTP. */
export function problemOf(
  { code, message, details: { errors } }: MetricastError,
  status = ERRORS[code].status,
): Problem {
  return { statusCode: status, code, message, ...(errors && { errors }) };
}

const CODE_OF_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: 'bad_request',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  413: 'too_large',
  415: 'unsupported_media_type',
  429: 'rate_limited',
  503: 'busy',
};

/** Nest's own exceptions quote the request (`Cannot GET /…`): only their status is kept. */
function fromHttpException(exception: HttpException): MetricastError {
  const code = CODE_OF_STATUS[exception.getStatus()] ?? (exception.getStatus() < 500 ? 'bad_request' : 'internal');
  return new MetricastError(code, { cause: exception });
}

function* headersOf({ code, details }: MetricastError): Generator<[name: string, value: string]> {
  if (details.retryAfter !== undefined) yield ['Retry-After', String(details.retryAfter)];
  if (code === 'unauthenticated') yield ['WWW-Authenticate', 'Bearer'];
}
