import type { IncomingMessage } from 'node:http';
import { ApplicationConfig } from '@nestjs/core';
import { describe, expect, it } from 'vitest';
import { OwnPaths } from '../../../src/rest/own-paths.js';

const request = (url: string) => ({ url }) as IncomingMessage;

describe.each(['', 'api', '/API/v2/'])('with the prefix %j', (prefix) => {
  const config = new ApplicationConfig();
  config.setGlobalPrefix(prefix);
  const paths = new OwnPaths(config);
  paths.claim('/health', '(/.*)?');
  paths.claim('/ingest/metrics');
  paths.claim('/admin/tenants/:tenantId/settings');
  const below = prefix && `/${prefix.replaceAll(/^\/|\/$/g, '')}`;

  it.each([
    '/health',
    '/Health/',
    '/health/ready?x=/y',
    '/ingest/metrics',
    '/INGEST/Metrics/?x',
    '/admin/tenants/Acme/settings',
  ])('%s is ours, exempt from the prefix or not', (path) => {
    expect(paths.include(request(`${below}${path}`))).toBe(true);
    expect(paths.include(request(path))).toBe(true);
  });

  it.each([
    '/',
    '/healthy',
    '/other/health',
    '/?/health',
    '/ingest/metrics/more',
    '/admin/tenants/settings',
    '/admin/tenants/a/b/settings',
  ])('%s is not', (path) => {
    expect(paths.include(request(`${below}${path}`))).toBe(false);
    expect(paths.include(request(path))).toBe(false);
  });
});
