import { readFileSync } from 'node:fs';
import { findProgram, versionOf } from '../peers/program.js';

const PACKAGES = ['ws', 'socket.io', '@nestjs/platform-ws', '@nestjs/platform-socket.io'];
const MODULES = new URL('../../node_modules/', import.meta.url);

/** What ours was compared with, as a note. */
export function installedVersions(): string {
  const packages = PACKAGES.map((name) => {
    const text = readFileSync(new URL(`${name}/package.json`, MODULES), 'utf8');
    return `${name} ${(JSON.parse(text) as { version: string }).version}`;
  });
  const programs = [
    ['nginx', '-v'],
    ['nats-server', '--version'],
    ['mosquitto', '-h'],
  ].flatMap(([name = '', argument = '']) => {
    const program = findProgram(name);
    return program === undefined ? [] : [`${name} ${versionOf(program, argument)}`];
  });
  return `Compared with ${[...packages, ...programs].join(', ')}.`;
}
