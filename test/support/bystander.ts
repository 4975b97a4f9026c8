import type { TestApp } from './app.js';
import type { ChannelsClient } from './channels-client.js';
import { TestTenant, gauge, run } from './test-tenant.js';
import type { WireClient } from './wire-client.js';

const CHANNEL = 'innocent.metrics';

/** Clients that do nothing wrong, on a server where others do. */
export class Bystander {
  #count = 0;

  private constructor(
    private readonly tenant: TestTenant,
    private readonly channels: ChannelsClient,
    private readonly skills: WireClient,
  ) {}

  /** @param tenant whose they are; by default nobody else's. */
  static async on(app: TestApp, tenant = new TestTenant(app)): Promise<Bystander> {
    await tenant.create(CHANNEL);
    const channels = await tenant.watch();
    await channels.subscribe([CHANNEL]);
    return new Bystander(tenant, channels, await tenant.watchSkills());
  }

  /** Resolves when what is recorded now has arrived, by the connections from before. */
  async isServed(): Promise<void> {
    const value = ++this.#count;
    const recorded = [await this.tenant.record('metrics', gauge(CHANNEL, { value })), await this.#run()];
    if (recorded.some(({ status }) => status !== 202)) throw new Error('a bystander could not record');
    await this.channels.next({ channel: CHANNEL, value });
    await this.skills.find(({ data }) => {
      const { top_skills = [] } = (data ?? {}) as { top_skills?: { total_invocations: number }[] };
      return top_skills[0]?.total_invocations === value;
    });
  }

  async leave(): Promise<void> {
    await Promise.all([this.channels.close(), this.skills.close()]);
  }

  #run() {
    return this.tenant.record('skills', run('innocent'));
  }
}
