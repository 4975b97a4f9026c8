import { ChannelList } from './channel-list.js';
import { ChannelsController } from './channels.controller.js';
import { HistoryText } from './history-text.js';
import { LatestMessages } from './latest-messages.js';

export { CHANNELS_RENDERER } from './latest-messages.js';

export const restControllers = [ChannelsController];
export const restProviders = [ChannelList, LatestMessages, HistoryText];
