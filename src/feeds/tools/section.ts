import type { Feature, TenantId } from '../../protocol/index.js';

/** Whose figures are wanted: a tenant's, of these tools and sessions; absent: of any. */
export interface View {
  readonly tenant: TenantId;
  readonly toolIds: readonly string[] | undefined;
  readonly sessionIds: readonly string[] | undefined;
}

export type Figures = Readonly<Record<string, unknown>>;

/** A part of the state of `tools.metrics`, with a source of its own. */
export interface Section {
  /** Its name in the state, and that of the feature that it belongs to. */
  readonly name: Feature;
  /** What it shows where its figures are not known. */
  readonly unknown: Figures;
  /** @throws {@link SourceError} where clients may be told why; any other error is for the log. */
  read(view: View): Promise<Figures>;
}

/** Why a source has nothing to show, in words for anybody: without SQL, without an address. */
export class SourceError extends Error {
  override readonly name = 'SourceError';
}
