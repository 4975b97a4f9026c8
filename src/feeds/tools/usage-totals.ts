import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, Repository } from 'typeorm';
import { DATA_SOURCE } from '../../store/index.js';
import type { View } from './section.js';
import { ToolTotal, type TotalScope } from './tool-total.entity.js';
import type { Counts } from './usage-counters.js';
import type { UsageKind } from './usage.js';

/** Reads the running totals of usage. */
@Injectable()
export class UsageTotals {
  constructor(@InjectRepository(ToolTotal, DATA_SOURCE) private readonly rows: Repository<ToolTotal>) {}

  /** What the view has of a kind of work. Several tools or sessions: the sum over them. */
  async read({ tenant, toolIds, sessionIds }: View, kind: UsageKind): Promise<Counts> {
    const sums = await this.rows
      .createQueryBuilder('total')
      .select([])
      .addSelect('SUM(total.count)', 'count')
      .addSelect('SUM(total.cacheHits)', 'cache_hits')
      .addSelect('SUM(total.originalTokens)', 'original_tokens')
      .addSelect('SUM(total.compressedTokens)', 'compressed_tokens')
      .addSelect('SUM(total.tokensSaved)', 'tokens_saved')
      .addSelect('SUM(total.hits)', 'hits')
      .addSelect('SUM(total.misses)', 'misses')
      .where({
        tenantId: tenant,
        scope: scopeOf(toolIds, sessionIds),
        kind,
        toolId: toolIds ? In([...toolIds]) : '',
        sessionId: sessionIds ? In([...sessionIds]) : '',
      })
      .getRawOne<Record<keyof Counts, number | null>>();
    return {
      count: sums?.count ?? 0,
      cache_hits: sums?.cache_hits ?? 0,
      original_tokens: sums?.original_tokens ?? 0,
      compressed_tokens: sums?.compressed_tokens ?? 0,
      tokens_saved: sums?.tokens_saved ?? 0,
      hits: sums?.hits ?? 0,
      misses: sums?.misses ?? 0,
    };
  }
}

function scopeOf(toolIds: unknown, sessionIds: unknown): TotalScope {
  if (toolIds) return sessionIds ? 'series' : 'tool';
  return sessionIds ? 'session' : 'all';
}
