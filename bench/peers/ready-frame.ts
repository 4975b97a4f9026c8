const TEXT_MESSAGE = 0x81;

/** A whole WebSocket text frame of a server: JSON of less than 64 KiB behind its header (RFC 6455, 5.2). */
export function readyFrame(message: unknown): Buffer {
  const payload = Buffer.from(JSON.stringify(message));
  const header = payload.length < 126 ? Buffer.from([TEXT_MESSAGE, payload.length]) : Buffer.alloc(4);
  if (payload.length >= 126) {
    header[0] = TEXT_MESSAGE;
    header[1] = 126;
    header.writeUInt16BE(payload.length, 2);
  }
  return Buffer.concat([header, payload]);
}
