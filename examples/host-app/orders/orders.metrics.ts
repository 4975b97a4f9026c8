import { Injectable } from '@nestjs/common';
import { type CollectContext, type CollectedState, CollectMetrics } from 'nestjs-metricast';
import { OrdersService } from './orders.service.js';

/** The state of a shop's orders, collected only while somebody of that shop watches `orders.metrics`. */
@Injectable()
export class OrdersMetrics {
  constructor(private readonly orders: OrdersService) {}

  @CollectMetrics('orders.metrics', { points: { 'orders.waiting': 'gauge', 'orders.shipped': 'counter' } })
  async collect({ tenant }: CollectContext): Promise<CollectedState> {
    return { orders: await this.orders.count(tenant) };
  }
}
