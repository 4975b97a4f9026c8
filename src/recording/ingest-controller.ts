import { Controller, Inject, Post, Req, Res, type Type, UseFilters, UseGuards, VERSION_NEUTRAL } from '@nestjs/common';
import { HttpAuthGuard, RequireRole, principalOf } from '../auth/index.js';
import { MetricastError } from '../protocol/index.js';
import { Answer, JsonBody, ProblemFilter } from '../rest/index.js';
import type { RecordResult } from './recorder.js';

/** A recorder, whatever its items are. It validates them, so they may come from anywhere. */
export interface ItemRecorder {
  record(tenant: string, items: readonly never[]): Promise<RecordResult>;
}

/** The controller of `POST /ingest/NAME`, which hands what it gets to a recorder. */
export function ingestController(name: string, recorderClass: Type<ItemRecorder>): Type<object> {
  const path = `ingest/${name}`;
  // The host's versions are those of its own routes.
  @Controller({ path, version: VERSION_NEUTRAL })
  @UseGuards(HttpAuthGuard)
  @UseFilters(ProblemFilter)
  @RequireRole('ingest')
  class IngestController {
    constructor(
      private readonly body: JsonBody,
      private readonly answer: Answer,
      @Inject(recorderClass) private readonly recorder: ItemRecorder,
    ) {
      body.claim(`/${path}`);
    }

    @Post()
    async ingest(@Req() request: object, @Res() response: object): Promise<void> {
      const { tenant } = principalOf(request);
      await this.body.use({ request, response, tenant }, async (value) => {
        const items = (Array.isArray(value) ? value : [value]) as never[];
        const result = await this.recorder.record(tenant, items);
        requireGoodItem(result);
        this.answer.send(response, 202, result);
      });
    }
  }
  // Nest names a controller in its log by its class.
  Object.defineProperty(IngestController, 'name', {
    value: `Ingest${name[0]!.toUpperCase()}${name.slice(1)}Controller`,
  });
  return IngestController;
}

const ERRORS_SHOWN = 100;

/** @throws {@link MetricastError} `bad_request` where there were items and none was good. */
function requireGoodItem({ accepted, rejected }: RecordResult): void {
  if (accepted > 0 || rejected.length === 0) return;
  throw new MetricastError('bad_request', {
    detail: 'no item is valid',
    errors: rejected
      .slice(0, ERRORS_SHOWN)
      .map(({ index, field, message }) => ({ field: field ? `${index}.${field}` : String(index), message })),
  });
}
