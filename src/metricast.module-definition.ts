import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { MetricastOptions } from './metricast.options.js';

export const {
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN: METRICAST_OPTIONS,
  OPTIONS_TYPE,
  ASYNC_OPTIONS_TYPE,
} = new ConfigurableModuleBuilder<MetricastOptions>({ moduleName: 'Metricast' })
  .setClassMethodName('forRoot')
  .setExtras({ isGlobal: true }, (definition, { isGlobal }) => ({ ...definition, global: isGlobal }))
  .build();
