import { Injectable, Logger, NotFoundException } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { MetricsRecorder } from 'nestjs-metricast';
import { IsNull, Not, Repository } from 'typeorm';
import { Order } from './order.entity.js';
import type { PlaceOrderDto } from './place-order.dto.js';

@Injectable()
export class OrdersService {
  readonly #logger = new Logger(OrdersService.name);

  constructor(
    @InjectRepository(Order) private readonly orders: Repository<Order>,
    private readonly metrics: MetricsRecorder,
  ) {}

  /** Records the amount as well: subscribers of the shop's `orders.metrics` see each order as it comes in. */
  async place({ shop, item, amount }: PlaceOrderDto): Promise<Order> {
    const order = await this.orders.save({ shop, item, amount, placedAt: new Date(), shippedAt: null });
    await this.#recordAmount(shop, item, amount);
    return order;
  }

  /** An order is placed whether or not its amount could be recorded: the buyer must not be told to try again. */
  async #recordAmount(shop: string, item: string, value: number): Promise<void> {
    try {
      const { rejected } = await this.metrics.record(shop, {
        channel: 'orders.metrics',
        name: 'order.amount',
        type: 'histogram',
        value,
        tags: { item },
      });
      for (const { field, message } of rejected) this.#logger.warn(`An amount was not recorded: ${field} ${message}`);
    } catch (error) {
      this.#logger.warn(`An amount was not recorded: ${String(error)}`);
    }
  }

  async find(id: number): Promise<Order> {
    const order = await this.orders.findOneBy({ id });
    if (!order) throw new NotFoundException('No such order');
    return order;
  }

  oldestWaiting(): Promise<Order | null> {
    return this.orders.findOne({ where: { shippedAt: IsNull() }, order: { id: 'ASC' } });
  }

  async markShipped(order: Order, shippedAt: Date): Promise<void> {
    await this.orders.update(order.id, { shippedAt });
  }

  /** How many orders of a shop wait, and how many are on their way. */
  async count(shop: string): Promise<{ waiting: number; shipped: number }> {
    const [waiting, shipped] = await Promise.all([
      this.orders.countBy({ shop, shippedAt: IsNull() }),
      this.orders.countBy({ shop, shippedAt: Not(IsNull()) }),
    ]);
    return { waiting, shipped };
  }
}
