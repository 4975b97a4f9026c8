import { IsOptional } from 'class-validator';
import type { Feature } from '../protocol/index.js';
import { Part } from '../rest/index.js';
import { NumberFrom, Origins, ProfileName, Switch, WholeNumber } from './field-rules.js';

/** Whether a tenant has each feature. What is absent is left as it is, what is null is not set any more. */
export class FeaturesDto implements Partial<Record<Feature, boolean | null>> {
  @IsOptional()
  @Switch()
  compression?: boolean | null;

  @IsOptional()
  @Switch()
  embeddings?: boolean | null;

  @IsOptional()
  @Switch()
  workflows?: boolean | null;

  @IsOptional()
  @Switch()
  response_cache?: boolean | null;
}

/** What a tenant may use at most; 0 for no limit. Absent and null mean what they mean to {@link FeaturesDto}. */
export class LimitsDto {
  @IsOptional()
  @WholeNumber(0)
  max_messages_per_minute?: number | null;

  @IsOptional()
  @WholeNumber(0)
  max_channels_per_connection?: number | null;

  @IsOptional()
  @WholeNumber(0)
  max_tag_pairs_per_connection?: number | null;

  @IsOptional()
  @WholeNumber(0)
  max_connections?: number | null;

  @IsOptional()
  @WholeNumber(0)
  max_connections_per_subject?: number | null;

  @IsOptional()
  @WholeNumber(0)
  max_series?: number | null;
}

/** The body of a change of settings. In a PATCH, what is absent stays as it is; in a PUT, it is not set any more. */
export class SettingsDto {
  @IsOptional()
  @Switch()
  metrics_streaming?: boolean | null;

  @IsOptional()
  @NumberFrom(0.1, 3600)
  collection_interval_seconds?: number | null;

  @IsOptional()
  @WholeNumber(0, 1_000_000)
  max_events_per_minute?: number | null;

  @Part(FeaturesDto)
  features?: FeaturesDto | null;

  @IsOptional()
  @ProfileName()
  performance_profile?: string | null;

  @Part(LimitsDto)
  limits?: LimitsDto | null;

  @IsOptional()
  @WholeNumber(1, 3650)
  retention_days?: number | null;

  @IsOptional()
  @Origins()
  allowed_origins?: string[] | null;
}
