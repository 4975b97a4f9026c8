import {
  type Command,
  type CommandOf,
  type Dialect,
  type Publication,
  type TagFilter,
  type WireMessage,
  MetricastError,
  NO_FILTER,
  SKILLS_METRICS,
  isPlainText,
  isoTimestamp,
} from '../../protocol/index.js';

/** The tag by which the state of the skills channel can be narrowed to one skill. */
const SKILL_TAG = 'skill_name';
const MAX_SKILL_NAME = 200;

/**
 * The dialect of Session-Buddy's clients: one stream of skill figures, for all skills or for one.
 * Wire shapes: docs/protocol/skills.md.
 */
export const skillsDialect: Dialect = {
  name: 'skills',
  tokenInFirstFrame: true,

  open(query) {
    // No reply, and no state but the next tick's: the greeting is all that a new client is sent.
    return [{ ...subscribeTo(query.get('skill')), isQuiet: true }];
  },

  greet({ principal, now }) {
    return [
      {
        type: 'connected',
        message: 'Connected to Metricast real-time metrics',
        timestamp: isoTimestamp(now),
        authenticated: principal.authenticated,
      },
    ];
  },

  parse(frame): Command {
    switch (frame['type']) {
      case 'subscribe':
        return subscribeTo(frame['skill']);
      case 'unsubscribe':
        return { type: 'unsubscribe' };
      case 'ping':
        return { type: 'ping' };
      case undefined:
        if (typeof frame['token'] === 'string') return { type: 'authenticate', token: frame['token'] };
    }
    throw new MetricastError('unknown_type');
  },

  render({ message }: Publication): WireMessage[] {
    switch (message.kind) {
      case 'state':
        return [{ type: 'metrics_update', timestamp: isoTimestamp(message.timestamp), data: message.data }];
      case 'failure':
        return [skillsDialect.renderError(new MetricastError('collect_failed'), message.timestamp)];
      case 'sample':
      case 'event':
        return [];
    }
  },

  renderReply(reply, now) {
    switch (reply.type) {
      case 'subscribed': {
        const skill = reply.command.filter[SKILL_TAG]?.[0] ?? null;
        return { type: 'subscription_confirmed', skill, timestamp: isoTimestamp(now) };
      }
      case 'unsubscribed':
        return { type: 'unsubscribed', timestamp: isoTimestamp(now) };
      case 'pong':
        return { type: 'pong' };
      case 'watching':
      case 'state':
      case 'presence':
      case 'refreshed':
      case 'history':
        return undefined;
    }
  },

  renderError({ message }, now) {
    return { type: 'error', message, timestamp: isoTimestamp(now) };
  },
};

function subscribeTo(skill: unknown): CommandOf<'subscribe'> {
  const filter = parseSkill(skill);
  return { type: 'subscribe', channels: [SKILLS_METRICS], filter, format: 'snapshot', replace: true };
}

function parseSkill(skill: unknown): TagFilter {
  if (skill == null) return NO_FILTER;
  if (isPlainText(skill, MAX_SKILL_NAME)) return { [SKILL_TAG]: [skill] };
  throw new MetricastError('bad_subscription', {
    detail: `skill must be a printable text of at most ${MAX_SKILL_NAME} characters, or null`,
  });
}
