import { ProfileStore } from './profile-store.js';
import { ProfilesController } from './profiles.controller.js';
import { SettingsAnswer } from './settings-answer.js';
import { SettingsStore } from './settings-store.js';
import { SettingsController } from './settings.controller.js';
import { TenantAdminController } from './tenant-admin.controller.js';
import { TenantRegistry } from './tenant-registry.js';
import { Tenants } from './tenants.js';

export * from './effective-settings.js';
export * from './performance-profile.js';
export * from './performance-profile.entity.js';
export * from './profile-store.js';
export * from './settings-store.js';
export * from './tenant-settings.entity.js';
export * from './tenant-registry.js';
export * from './tenants.js';

export const tenantProviders = [Tenants, TenantRegistry, SettingsStore, SettingsAnswer, ProfileStore];
export const tenantControllers = [SettingsController, TenantAdminController, ProfilesController];
