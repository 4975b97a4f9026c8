import { Controller, Get, Patch, Post, Put, Req, Res, UseFilters, UseGuards, VERSION_NEUTRAL } from '@nestjs/common';
import { HttpAuthGuard, RequireRole, principalOf, tenantInPath } from '../auth/index.js';
import { type FieldError, parseTenantId } from '../protocol/index.js';
import { Answer, JsonBody, ProblemFilter, pageOf, readDto, readPageRequest, requireNone } from '../rest/index.js';
import { alterSettings } from './alter-settings.js';
import { NOTHING_SET, type OwnSettings } from './effective-settings.js';
import { ProfileStore } from './profile-store.js';
import { SettingsDto } from './settings.dto.js';
import { type SettingsChange, SettingsStore, UNKNOWN_PROFILE } from './settings-store.js';
import { SettingsAnswer } from './settings-answer.js';
import { TenantRegistry } from './tenant-registry.js';

/** The tenants and what they have set, for those who administer them. */
@Controller({ path: 'admin/tenants', version: VERSION_NEUTRAL })
@UseGuards(HttpAuthGuard)
@UseFilters(ProblemFilter)
@RequireRole('admin')
export class TenantAdminController {
  constructor(
    private readonly registry: TenantRegistry,
    private readonly shown: SettingsAnswer,
    private readonly settings: SettingsStore,
    private readonly profiles: ProfileStore,
    private readonly body: JsonBody,
    private readonly answer: Answer,
  ) {
    body.claim('/admin/tenants/:tenantId/settings');
    // Has no body. One that is sent all the same is nobody's to judge.
    body.claim('/admin/tenants/:tenantId/settings/reset');
  }

  /** All tenants that were ever seen, by their names. */
  @Get()
  @RequireRole('operator')
  async list(@Req() request: object, @Res() response: object): Promise<void> {
    const { limit, after } = readPageRequest(request, isTenantName);
    const rows = await this.settings.list(limit, after);
    // One that another instance saw first is not known here yet.
    await this.registry.learn(rows);
    const names = rows.map(({ tenantId }) => parseTenantId(tenantId)!);
    this.answer.show(
      request,
      response,
      pageOf(
        names,
        limit,
        (tenant) => this.shown.viewOf(tenant),
        (tenant) => tenant,
      ),
    );
  }

  @Get(':tenantId/settings')
  async show(@Req() request: object, @Res() response: object): Promise<void> {
    await this.shown.show(request, response);
  }

  /** What the body leaves out is not set any more. */
  @Put(':tenantId/settings')
  async replace(@Req() request: object, @Res() response: object): Promise<void> {
    await this.#alter(request, response, 'settings.replace', (_before, dto) => alterSettings(NOTHING_SET, dto));
  }

  /** What the body leaves out stays. */
  @Patch(':tenantId/settings')
  async change(@Req() request: object, @Res() response: object): Promise<void> {
    await this.#alter(request, response, 'settings.change', alterSettings);
  }

  @Post(':tenantId/settings/reset')
  async reset(@Req() request: object, @Res() response: object): Promise<void> {
    await this.#change(request, response, { action: 'settings.reset', alter: () => NOTHING_SET });
  }

  async #alter(
    request: object,
    response: object,
    action: SettingsChange['action'],
    alter: (before: OwnSettings, dto: SettingsDto) => OwnSettings,
  ): Promise<void> {
    const tenant = tenantInPath(request);
    await this.body.use({ request, response, tenant }, async (value) => {
      const { dto, errors } = readDto(SettingsDto, value);
      requireNone([...errors, ...(await this.#unknownProfile(dto, errors))]);
      await this.#change(request, response, { action, alter: (before) => alter(before, dto) });
    });
  }

  /** Asked for before the change, which sees to it as well: all that is wrong is to be told at once. */
  async #unknownProfile(
    { performance_profile: name }: SettingsDto,
    errors: readonly FieldError[],
  ): Promise<FieldError[]> {
    if (name == null || errors.some(({ field }) => field === UNKNOWN_PROFILE.field)) return [];
    return (await this.profiles.find(name)) ? [] : [UNKNOWN_PROFILE];
  }

  async #change(request: object, response: object, change: Omit<SettingsChange, 'actor'>): Promise<void> {
    const tenant = tenantInPath(request);
    const { subject: actor } = principalOf(request);
    await this.settings.change(tenant, { ...change, actor });
    this.answer.send(response, 200, this.shown.viewOf(tenant));
  }
}

function isTenantName(value: unknown): value is string {
  return parseTenantId(value) !== undefined;
}
