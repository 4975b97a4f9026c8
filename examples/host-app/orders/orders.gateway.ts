import { MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { IsInt } from 'class-validator';
import type { Server } from 'socket.io';
import { Order } from './order.entity.js';
import { OrdersService } from './orders.service.js';

class FindOrderDto {
  @IsInt()
  readonly id!: number;
}

/** The shop's own live updates, by Socket.IO. */
@WebSocketGateway()
export class OrdersGateway {
  @WebSocketServer()
  private readonly server!: Server;

  constructor(private readonly orders: OrdersService) {}

  @SubscribeMessage('find')
  find(@MessageBody() { id }: FindOrderDto): Promise<Order> {
    return this.orders.find(id);
  }

  tellShipped(order: Order, shippedAt: Date): void {
    this.server.emit('shipped', { id: order.id, shippedAt });
  }
}
