import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Order } from './order.entity.js';
import { OrdersController } from './orders.controller.js';
import { OrdersGateway } from './orders.gateway.js';
import { OrdersMetrics } from './orders.metrics.js';
import { OrdersService } from './orders.service.js';
import { ShippingJob } from './shipping.job.js';

@Module({
  imports: [TypeOrmModule.forFeature([Order])],
  controllers: [OrdersController],
  providers: [OrdersService, OrdersGateway, OrdersMetrics, ShippingJob],
})
export class OrdersModule {}
