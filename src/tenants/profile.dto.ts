import { IsOptional } from 'class-validator';
import { Description, NumberFrom, OneOf, ProfileName, WholeNumber } from './field-rules.js';
import { MODES, type Mode } from './performance-profile.js';

/** What a profile is like. */
export class ProfileDto {
  @IsOptional()
  @OneOf(MODES)
  mode?: Mode | null;

  @NumberFrom(0.1, 3600)
  collection_interval_seconds!: number;

  @IsOptional()
  @WholeNumber(0, 1_000_000)
  max_events_per_minute?: number | null;

  @IsOptional()
  @Description()
  description?: string | null;
}

/** The body of a new profile. */
export class NewProfileDto extends ProfileDto {
  @ProfileName()
  name!: string;
}

/** The body of a profile that replaces one. It may repeat the name that it is sent to. */
export class ReplacedProfileDto extends ProfileDto {
  @IsOptional()
  @ProfileName()
  name?: string | null;
}
