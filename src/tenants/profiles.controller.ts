import { Controller, Delete, Get, Post, Put, Req, Res, UseFilters, UseGuards, VERSION_NEUTRAL } from '@nestjs/common';
import { HttpAuthGuard, RequireRole, principalOf } from '../auth/index.js';
import { MetricastError } from '../protocol/index.js';
import {
  Answer,
  JsonBody,
  ProblemFilter,
  pageOf,
  pathParameter,
  readDto,
  readPageRequest,
  requireNone,
} from '../rest/index.js';
import { type Profile, isProfileName } from './performance-profile.js';
import { NewProfileDto, type ProfileDto, ReplacedProfileDto } from './profile.dto.js';
import { ProfileStore } from './profile-store.js';
import { profileView } from './views.js';

/** The performance profiles: administrators choose among them, operators make them. */
@Controller({ path: 'admin/profiles', version: VERSION_NEUTRAL })
@UseGuards(HttpAuthGuard)
@UseFilters(ProblemFilter)
@RequireRole('operator')
export class ProfilesController {
  constructor(
    private readonly profiles: ProfileStore,
    private readonly body: JsonBody,
    private readonly answer: Answer,
  ) {
    body.claim('/admin/profiles');
    body.claim('/admin/profiles/:name');
  }

  /** Built-in and custom ones, by their names. */
  @Get()
  @RequireRole('admin')
  async list(@Req() request: object, @Res() response: object): Promise<void> {
    const { limit, after } = readPageRequest(request, isProfileName);
    const profiles = await this.profiles.list();
    const following = profiles.filter(({ name }) => after === undefined || name > after).slice(0, limit + 1);
    this.answer.show(
      request,
      response,
      pageOf(following, limit, profileView, ({ name }) => name),
    );
  }

  @Get(':name')
  @RequireRole('admin')
  async show(@Req() request: object, @Res() response: object): Promise<void> {
    const profile = await this.profiles.find(nameIn(request));
    if (!profile) throw new MetricastError('not_found');
    this.answer.show(request, response, profileView(profile));
  }

  @Post()
  async create(@Req() request: object, @Res() response: object): Promise<void> {
    const { subject, tenant } = principalOf(request);
    await this.body.use({ request, response, tenant }, async (value) => {
      const { dto, errors } = readDto(NewProfileDto, value);
      requireNone(errors);
      const profile = profileOf(dto.name, dto);
      await this.profiles.create(subject, profile);
      this.answer.created(request, response, profile.name, profileView(profile));
    });
  }

  /** Acts on the open connections of the tenants that are on it. */
  @Put(':name')
  async replace(@Req() request: object, @Res() response: object): Promise<void> {
    const { subject, tenant } = principalOf(request);
    const name = nameIn(request);
    await this.body.use({ request, response, tenant }, async (value) => {
      const { dto, errors } = readDto(ReplacedProfileDto, value);
      const isRenamed = (dto.name ?? name) !== name && !errors.some(({ field }) => field === 'name');
      requireNone([...errors, ...(isRenamed ? [{ field: 'name', message: 'must be the one in the path' }] : [])]);
      const profile = profileOf(name, dto);
      await this.profiles.replace(subject, profile);
      this.answer.send(response, 200, profileView(profile));
    });
  }

  @Delete(':name')
  async remove(@Req() request: object, @Res() response: object): Promise<void> {
    await this.profiles.remove(principalOf(request).subject, nameIn(request));
    this.answer.done(response);
  }
}

/** @throws {@link MetricastError} `not_found` for a name that no profile can have. */
function nameIn(request: object): string {
  const name = pathParameter(request, 'name');
  if (!isProfileName(name)) throw new MetricastError('not_found');
  return name;
}

function profileOf(name: string, dto: ProfileDto): Profile {
  const { mode, collection_interval_seconds: interval, max_events_per_minute: cap, description } = dto;
  return {
    name,
    mode: mode ?? 'stream',
    collectionIntervalSeconds: interval,
    // A state for each interval, so that a profile is as fast as it says.
    maxEventsPerMinute: cap ?? Math.ceil(60 / interval),
    description: description ?? '',
  };
}
