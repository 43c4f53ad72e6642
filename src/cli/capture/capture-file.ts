/**
 * Frames out of a capture file: pcap (micro- and nanosecond, both byte orders) and pcapng
 * (sections, interfaces, enhanced, simple and obsolete packet blocks). A file that ends in the
 * middle of a record gives what was whole.
 */
export interface Frame {
  /** Wall-clock milliseconds with fraction; undefined in simple packet blocks. */
  readonly time: number | undefined;
  /** LINKTYPE_ number of the interface. */
  readonly link: number;
  readonly bytes: Uint8Array;
}

export class CaptureError extends Error {}

const PCAPNG_SECTION = 0x0a0d0d0a;

export function* readCapture(file: Uint8Array): Generator<Frame> {
  if (file.length < 24) throw new CaptureError("the file is too short to be a capture");
  const view = viewOf(file);
  const magic = view.getUint32(0);
  if (magic === PCAPNG_SECTION) yield* readPcapng(file, view);
  else if (magic === 0xa1b2c3d4) yield* readPcap(file, view, false, 1e3);
  else if (magic === 0xd4c3b2a1) yield* readPcap(file, view, true, 1e3);
  else if (magic === 0xa1b23c4d) yield* readPcap(file, view, false, 1e6);
  else if (magic === 0x4d3cb2a1) yield* readPcap(file, view, true, 1e6);
  else throw new CaptureError("neither pcap nor pcapng; write it with tcpdump -w or tshark -w");
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Header: 24 octets, link type at 20. Record: 4 seconds | 4 fraction | 4 captured | 4 original. */
function* readPcap(
  file: Uint8Array,
  view: DataView,
  little: boolean,
  perMs: number,
): Generator<Frame> {
  // The upper bits of the field tell of a frame check sequence.
  const link = view.getUint32(20, little) & 0xffff;
  let at = 24;
  while (at + 16 <= file.length) {
    const time = view.getUint32(at, little) * 1000 + view.getUint32(at + 4, little) / perMs;
    const end = at + 16 + view.getUint32(at + 8, little);
    if (end > file.length) return;
    yield { time, link, bytes: file.subarray(at + 16, end) };
    at = end;
  }
}

interface Interface {
  readonly link: number;
  /** Ticks of a timestamp in a millisecond. */
  readonly perMs: number;
}

/** Block: 4 type | 4 total length | body | 4 total length; padded to 4 octets. */
function* readPcapng(file: Uint8Array, view: DataView): Generator<Frame> {
  let little = false;
  let interfaces: Interface[] = [];
  let at = 0;
  while (at + 12 <= file.length) {
    if (view.getUint32(at) === PCAPNG_SECTION) {
      little = view.getUint32(at + 8) === 0x4d3c2b1a;
      interfaces = [];
    }
    const type = view.getUint32(at, little);
    const length = view.getUint32(at + 4, little);
    if (length < 12 || at + length > file.length) return;
    const body = at + 8;
    const end = at + length - 4;
    if (type === 1 && end >= body + 8) {
      interfaces.push({
        link: view.getUint16(body, little),
        perMs: ticksPerMs(view, body + 8, end, little),
      });
    } else if (type === 6 && end >= body + 20) {
      const from = interfaces[view.getUint32(body, little)];
      yield* packet(file, view, little, from, body + 4, body + 12, body + 20, end);
    } else if (type === 2 && end >= body + 20) {
      const from = interfaces[view.getUint16(body, little)];
      yield* packet(file, view, little, from, body + 4, body + 12, body + 20, end);
    } else if (type === 3 && end >= body + 4) {
      const [from] = interfaces;
      const size = Math.min(view.getUint32(body, little), end - body - 4);
      const bytes = file.subarray(body + 4, body + 4 + size);
      if (from !== undefined) yield { time: undefined, link: from.link, bytes };
    }
    at += length;
  }
}

function* packet(
  file: Uint8Array,
  view: DataView,
  little: boolean,
  from: Interface | undefined,
  timeAt: number,
  sizeAt: number,
  dataAt: number,
  end: number,
): Generator<Frame> {
  if (from === undefined) return;
  const ticks = view.getUint32(timeAt, little) * 2 ** 32 + view.getUint32(timeAt + 4, little);
  const dataEnd = dataAt + view.getUint32(sizeAt, little);
  if (dataEnd > end) return;
  yield { time: ticks / from.perMs, link: from.link, bytes: file.subarray(dataAt, dataEnd) };
}

/** Option if_tsresol (9): a power of ten, or of two with the high bit set; microseconds without it. */
function ticksPerMs(view: DataView, start: number, end: number, little: boolean): number {
  let at = start;
  while (at + 4 <= end) {
    const code = view.getUint16(at, little);
    const length = view.getUint16(at + 2, little);
    if (code === 0) break;
    if (code === 9 && length >= 1 && at + 4 < end) {
      const value = view.getUint8(at + 4);
      return ((value & 0x80) === 0 ? 10 ** value : 2 ** (value & 0x7f)) / 1000;
    }
    at += 4 + length + ((4 - (length % 4)) % 4);
  }
  return 1000;
}
