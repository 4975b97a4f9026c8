/** Lists and maps within each other. No command has more than four. */
const MAX_DEPTH = 64;

/** Bytes before the content, by the first byte, 0xc0 to 0xdf (https://github.com/msgpack/msgpack/blob/master/spec.md). */
// prettier-ignore
const HEADER_BYTES = [
  1, 1, 1, 1, 2, 3, 5, 3, 4, 6, 5, 9, 2, 3, 5, 9,
  2, 3, 5, 9, 3, 4, 6, 10, 18, 2, 3, 5, 3, 5, 3, 5,
];

/**
 * False for MessagePack that would cost more to decode than its bytes are worth. A decoder makes room for a list as soon
 * as it is announced, so a frame of lists in lists, each announced to be long, fills the memory with lists that are not
 * there. Hence: not more entries announced, all together, than there are bytes; and no depth that no command needs.
 *
 * @throws RangeError where the bytes break off within a header.
 */
export function isDecodable(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  /** Entries that each list or map still waits for, the outermost first. */
  const waiting: number[] = [];
  let announced = 0;
  for (let at = 0; at < bytes.length;) {
    const entries = entriesAt(view, at);
    at += sizeAt(view, at);
    announced += entries;
    if (announced > bytes.length) return false;
    if (entries > 0) {
      if (waiting.push(entries) > MAX_DEPTH) return false;
    } else {
      completeOne(waiting);
    }
  }
  return true;
}

/** Notes that a value is there, which may be the last that the lists around it waited for. */
function completeOne(waiting: number[]): void {
  for (let last = waiting.length - 1; last >= 0; last--) {
    if (--waiting[last]! > 0) return;
    waiting.pop();
  }
}

/** How many values are announced to follow: those of a list, the keys and values of a map. */
function entriesAt(view: DataView, at: number): number {
  const type = view.getUint8(at);
  if (type >= 0x80 && type <= 0x8f) return 2 * (type & 0x0f);
  if (type >= 0x90 && type <= 0x9f) return type & 0x0f;
  if (type === 0xdc) return view.getUint16(at + 1);
  if (type === 0xdd) return view.getUint32(at + 1);
  if (type === 0xde) return 2 * view.getUint16(at + 1);
  if (type === 0xdf) return 2 * view.getUint32(at + 1);
  return 0;
}

/** The bytes of a text, a number and the like; of a list or a map, those of its header. */
function sizeAt(view: DataView, at: number): number {
  const type = view.getUint8(at);
  if (type >= 0xa0 && type <= 0xbf) return 1 + (type & 0x1f);
  if (type < 0xc0 || type > 0xdf) return 1;
  return HEADER_BYTES[type - 0xc0]! + contentBytesAt(view, at, type);
}

/** What the length field of a text, of bytes or of an extension says; the other types have none. */
function contentBytesAt(view: DataView, at: number, type: number): number {
  if (type === 0xc4 || type === 0xc7 || type === 0xd9) return view.getUint8(at + 1);
  if (type === 0xc5 || type === 0xc8 || type === 0xda) return view.getUint16(at + 1);
  if (type === 0xc6 || type === 0xc9 || type === 0xdb) return view.getUint32(at + 1);
  return 0;
}
