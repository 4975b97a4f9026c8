import { Controller, HttpCode, Inject, Post, Req, type Type, UseFilters, UseGuards } from '@nestjs/common';
import { HttpAuthGuard, RequireRole, principalOf } from '../auth/index.js';
import { MetricastError } from '../protocol/index.js';
import { JsonBody, ProblemFilter } from '../rest/index.js';
import type { RecordResult } from './recorder.js';

/** A recorder, whatever its items are. It validates them, so they may come from anywhere. */
export interface ItemRecorder {
  record(tenant: string, items: readonly never[]): Promise<RecordResult>;
}

/** The controller of `POST /ingest/NAME`, which hands what it gets to a recorder. */
export function ingestController(name: string, recorderClass: Type<ItemRecorder>): Type<object> {
  @Controller(`ingest/${name}`)
  @UseGuards(HttpAuthGuard)
  @UseFilters(ProblemFilter)
  @RequireRole('ingest')
  class IngestController {
    constructor(
      private readonly body: JsonBody,
      @Inject(recorderClass) private readonly recorder: ItemRecorder,
    ) {}

    @Post()
    @HttpCode(202)
    async ingest(@Req() request: object): Promise<RecordResult> {
      const value = await this.body.read(request);
      const items = (Array.isArray(value) ? value : [value]) as never[];
      return answer(await this.recorder.record(principalOf(request).tenant, items));
    }
  }
  // Nest names a controller in its log by its class.
  Object.defineProperty(IngestController, 'name', {
    value: `Ingest${name[0]!.toUpperCase()}${name.slice(1)}Controller`,
  });
  return IngestController;
}

const ERRORS_SHOWN = 100;

/** The result, or an error where no item at all was good. */
function answer(result: RecordResult): RecordResult {
  if (result.accepted > 0 || result.rejected.length === 0) return result;
  throw new MetricastError('bad_request', {
    detail: 'no item is valid',
    errors: result.rejected
      .slice(0, ERRORS_SHOWN)
      .map(({ index, field, message }) => ({ field: field ? `${index}.${field}` : String(index), message })),
  });
}
