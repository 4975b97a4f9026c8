// The usual stream of events of Nest: one subject of the application, and `@Sse` for each client.
import 'reflect-metadata';
import { Controller, Injectable, type MessageEvent, Module, Sse } from '@nestjs/common';
import { type Observable, Subject } from 'rxjs';
import { PUBLISHER, PublishController, type Publisher, serve } from './nest-publishing.js';

@Injectable()
class Metrics implements Publisher {
  readonly messages = new Subject<MessageEvent>();

  publish(message: unknown): void {
    this.messages.next({ data: message as object });
  }
}

@Controller('stream')
class StreamController {
  constructor(private readonly metrics: Metrics) {}

  @Sse()
  stream(): Observable<MessageEvent> {
    return this.metrics.messages;
  }
}

@Module({
  controllers: [PublishController, StreamController],
  providers: [Metrics, { provide: PUBLISHER, useExisting: Metrics }],
})
class AppModule {}

await serve(AppModule);
