import { IsNotEmpty, IsPositive, IsString } from 'class-validator';

export class PlaceOrderDto {
  @IsString()
  @IsNotEmpty()
  readonly shop!: string;

  @IsString()
  @IsNotEmpty()
  readonly item!: string;

  @IsPositive()
  readonly amount!: number;
}
