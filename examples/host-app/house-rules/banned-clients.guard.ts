import type { IncomingHttpHeaders } from 'node:http';
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';

interface Request {
  readonly headers: IncomingHttpHeaders;
}
/** A Socket.IO socket, as much of it as matters here. */
interface Socket {
  readonly handshake: Request;
}

/**
 * Keeps clients out that the proxy in front has marked. It knows HTTP and the shop's own gateway, and expects headers
 * on whatever it is shown: Metricast's WebSocket clients are not shown to it, its REST requests are.
 */
@Injectable()
export class BannedClientsGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const client = context.switchToHttp().getRequest<Request | Socket>();
    const { headers } = 'handshake' in client ? client.handshake : client;
    return headers['x-banned'] === undefined;
  }
}
