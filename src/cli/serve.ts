import { type Command, UsageError, parseArguments } from './command.js';

export const serve: Command = {
  help: `Usage: metricast serve

Runs the standalone server until it gets SIGTERM or SIGINT. The environment configures it:

  PORT                                8000
  HOST                                127.0.0.1
  DATABASE_URL                        sqlite:data/metricast.db
  JWT_SECRET_KEY                      none: open to everyone on this machine, and to nobody else
  JWT_ALGORITHM, JWT_PUBLIC_KEY       HS256
  WS_ENDPOINTS                        /ws/metrics=channels,/ws/skills=skills
  WS_HEARTBEAT_INTERVAL               30 (seconds)
  UPDATE_INTERVAL                     1 (second)
  RATE_LIMIT_MAX_MESSAGES_PER_MINUTE  1000
  TLS_CERT, TLS_KEY                   none (paths of PEM files)
  LOG_LEVEL                           log
`,

  async run(args) {
    if (parseArguments(args, []).operands.length > 0) throw new UsageError('takes no arguments');
    // Here, so that the help does not wait for the server's code.
    const { serveOrExit } = await import('../serve-or-exit.js');
    await serveOrExit();
    return 0;
  },
};
