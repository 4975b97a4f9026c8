import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { type Observable, map } from 'rxjs';

/** Every answer of the shop is `{"data": …}`. Metricast's REST answers stay as documented. */
export class EnvelopeInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((data: unknown) => ({ data })));
  }
}
