import type { IncomingMessage } from 'node:http';
import { Controller, Get, Req, Res, UseFilters, UseGuards, VERSION_NEUTRAL } from '@nestjs/common';
import { HttpAuthGuard, RequireRole, principalOf } from '../../auth/index.js';
import { MetricastError, parseChannelName } from '../../protocol/index.js';
import { Answer, ProblemFilter, pageOf, pathParameter, readPageRequest } from '../../rest/index.js';
import { type ChannelItem, ChannelList } from './channel-list.js';
import { readHistoryQuery } from './read-history-query.js';
import { HistoryText } from './history-text.js';
import { LatestMessages } from './latest-messages.js';

/** Channels, for those who would rather ask than subscribe. */
@Controller({ path: 'channels', version: VERSION_NEUTRAL })
@UseGuards(HttpAuthGuard)
@UseFilters(ProblemFilter)
@RequireRole('viewer')
export class ChannelsController {
  constructor(
    private readonly channels: ChannelList,
    private readonly messages: LatestMessages,
    private readonly history: HistoryText,
    private readonly answer: Answer,
  ) {}

  @Get()
  async list(@Req() request: object, @Res() response: object): Promise<void> {
    const page = readPageRequest(request, isChannelName);
    const items = await this.channels.list(principalOf(request), page);
    this.answer.show(request, response, pageOf(items, page.limit, itself, nameOf));
  }

  @Get(':channel/latest')
  async latest(@Req() request: object, @Res() response: object): Promise<void> {
    const message = await this.messages.of(principalOf(request), pathParameter(request, 'channel'));
    if (!message) throw new MetricastError('not_found');
    this.answer.show(request, response, message);
  }

  @Get(':channel/history')
  async past(@Req() request: object, @Res() response: object): Promise<void> {
    const query = readHistoryQuery(request, pathParameter(request, 'channel'));
    const text = await this.history.of(principalOf(request), query);
    if (!text) throw new MetricastError('not_found');
    // Who asks with HEAD is sent none of it, so none of it is read.
    this.answer.stream(response, (request as IncomingMessage).method === 'HEAD' ? nothing() : text);
  }
}

async function* nothing(): AsyncGenerator<string> {}

function isChannelName(value: unknown): value is string {
  return parseChannelName(value) !== undefined;
}

const itself = (item: ChannelItem) => item;
const nameOf = ({ channel }: ChannelItem) => channel;
