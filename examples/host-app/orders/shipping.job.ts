import { Injectable } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { SkillsRecorder } from 'nestjs-metricast';
import { OrdersGateway } from './orders.gateway.js';
import { OrdersService } from './orders.service.js';

/** Ships one waiting order each time it runs, and records that as a run of the skill `ship-order`. */
@Injectable()
export class ShippingJob {
  constructor(
    private readonly orders: OrdersService,
    private readonly gateway: OrdersGateway,
    private readonly skills: SkillsRecorder,
  ) {}

  @Interval('orders.shipping', 250)
  async shipNext(): Promise<void> {
    const startedAt = new Date();
    const order = await this.orders.oldestWaiting();
    if (!order) return;
    await this.orders.markShipped(order, startedAt);
    this.gateway.tellShipped(order, startedAt);
    await this.skills.record(order.shop, {
      skill_name: 'ship-order',
      completed: true,
      duration_seconds: (Date.now() - startedAt.getTime()) / 1000,
    });
  }
}
