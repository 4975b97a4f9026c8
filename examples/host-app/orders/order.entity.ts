import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';

@Entity()
export class Order {
  @PrimaryGeneratedColumn()
  id!: number;

  /** Each shop is a tenant of Metricast, by the same name. */
  @Column()
  shop!: string;

  @Column()
  item!: string;

  @Column('float')
  amount!: number;

  @Column('datetime')
  placedAt!: Date;

  @Column('datetime', { nullable: true })
  shippedAt!: Date | null;
}
