import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';

/** Every error of the shop is `{"error": {"status", "message"}}`. Metricast's errors stay as documented. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  constructor(private readonly host: HttpAdapterHost) {}

  catch(thrown: unknown, context: ArgumentsHost): void {
    const isExpected = thrown instanceof HttpException;
    const status = isExpected ? thrown.getStatus() : 500;
    const message = isExpected ? thrown.message : 'Something went wrong';
    this.host.httpAdapter.reply(context.switchToHttp().getResponse(), { error: { status, message } }, status);
  }
}
