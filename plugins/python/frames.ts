// The frames between the node and the Python host: one format for every message (host/PROTOCOL.md).

/** A longer frame is a broken one. Redis holds no longer value than 512 MB. */
export const MAX_FRAME_BYTES = 512 * 1024 * 1024;

const LENGTH_BYTES = 4;

export type Fields = Readonly<Record<string, unknown>>;

export interface Frame {
  /** `t` is the kind; the other fields depend on it. */
  readonly head: Fields & { readonly t: string };
  /** What follows the head: a circuit's text; else empty. */
  readonly body: Buffer;
}

/** The bytes are not frames. The stream cannot be read any further. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

/** One frame, whole, in a buffer of its own. */
export function encodeFrame(head: Frame['head'], body: string | Uint8Array = ''): Buffer {
  const headText = JSON.stringify(head);
  const headBytes = Buffer.byteLength(headText);
  const bodyBytes = typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength;
  const length = LENGTH_BYTES + headBytes + bodyBytes;
  if (length > MAX_FRAME_BYTES) {
    throw new FrameError(`a frame '${head.t}' of ${length} bytes is longer than ${MAX_FRAME_BYTES}`);
  }
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + length);
  frame.writeUInt32BE(length, 0);
  frame.writeUInt32BE(headBytes, LENGTH_BYTES);
  const headStart = 2 * LENGTH_BYTES;
  frame.write(headText, headStart, 'utf8');
  if (typeof body === 'string') frame.write(body, headStart + headBytes, 'utf8');
  else frame.set(body, headStart + headBytes);
  return frame;
}

/** Makes frames from a stream's chunks. A large frame is joined once, when all of it is there. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #held = 0;
  /** Bytes that are needed before anything can be read. */
  #needed = LENGTH_BYTES;

  /** The frames that this chunk completes. Throws a FrameError. */
  push(chunk: Buffer): Frame[] {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    const frames: Frame[] = [];
    if (this.#held < this.#needed) return frames;
    const all = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#held);
    let at = 0;
    this.#needed = LENGTH_BYTES;
    while (all.length - at >= LENGTH_BYTES) {
      const length = all.readUInt32BE(at);
      if (length < LENGTH_BYTES || length > MAX_FRAME_BYTES) {
        throw new FrameError(`a frame cannot be ${length} bytes long`);
      }
      const end = at + LENGTH_BYTES + length;
      if (end > all.length) {
        this.#needed = LENGTH_BYTES + length;
        break;
      }
      frames.push(decode(all.subarray(at + LENGTH_BYTES, end)));
      at = end;
    }
    this.#chunks = at === all.length ? [] : [all.subarray(at)];
    this.#held = all.length - at;
    return frames;
  }

  /** Whether the stream ended in the middle of a frame. */
  get isPartial(): boolean {
    return this.#held > 0;
  }
}

function decode(content: Buffer): Frame {
  const headEnd = LENGTH_BYTES + content.readUInt32BE(0);
  if (headEnd > content.length) throw new FrameError('the head of a frame is longer than the frame');
  return {
    head: parseHead(content.toString('utf8', LENGTH_BYTES, headEnd)),
    body: content.subarray(headEnd),
  };
}

function parseHead(text: string): Frame['head'] {
  let head: unknown;
  try {
    head = JSON.parse(text);
  } catch (cause) {
    throw new FrameError('the head of a frame is not JSON', { cause });
  }
  if (!isHead(head)) throw new FrameError('the head of a frame is not an object with a kind `t`');
  return head;
}

function isHead(value: unknown): value is Frame['head'] {
  return typeof value === 'object' && value !== null && 't' in value && typeof value.t === 'string';
}
