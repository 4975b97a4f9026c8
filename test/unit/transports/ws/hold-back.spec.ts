import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { holdBack } from '../../../../src/transports/ws/hold-back.js';
import { WsTransport } from '../../../../src/transports/ws/ws-transport.js';
import { endOfTurn } from '../../../support/connected.js';

test('what is held back is handed on in order, and a source that another holds back since is not let go', async () => {
  const log: string[] = [];
  const webSocket = Object.assign(new EventEmitter(), {
    extensions: '',
    pause: () => log.push('pause'),
    resume: () => log.push('resume'),
  }) as unknown as WebSocket;
  const transport = new WsTransport(webSocket, {} as Socket, '127.0.0.1');
  let letGo = () => {};
  const listen = () => {
    webSocket.on('message', (data: string) => {
      log.push(data);
      if (data === 'one') transport.pause();
    });
  };
  holdBack(webSocket, transport, () => new Promise<void>((resolve) => (letGo = resolve)).then(listen));
  webSocket.emit('message', 'one', false);
  webSocket.emit('message', 'two', false);
  expect(log).toEqual(['pause']);
  letGo();
  await endOfTurn();
  expect(log).toEqual(['pause', 'one', 'two']);
  transport.resume();
  expect(log).toEqual(['pause', 'one', 'two', 'resume']);
});
