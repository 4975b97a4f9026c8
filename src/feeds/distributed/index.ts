import { DistributedFeed } from './distributed.feed.js';
import { InstanceRegistry } from './instance-registry.js';
import { Instance } from './instance.entity.js';
import { TaskReader } from './task-reader.js';

/** The feed of `distributed.metrics`. */
export const distributedFeed = {
  entities: [Instance],
  providers: [InstanceRegistry, TaskReader, DistributedFeed],
};
