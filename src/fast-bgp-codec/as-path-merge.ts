/**
 * The AS path of a speaker with 2-octet ASes (RFC 6793 section 4.2.3): AS_PATH shows AS_TRANS where an
 * AS does not fit, AS4_PATH has the newer part of the truth. What AS_PATH has more, at its front, is
 * put before AS4_PATH.
 */
import { copyBytes, readU16, readU8, writeU32 } from "../util/bytes.js";
import { SegmentType } from "./attribute/check.js";

/**
 * With both aggregators there, an AGGREGATOR other than AS_TRANS was set by an old speaker that knew
 * nothing of the AS4 attributes: they are stale.
 */
export function isAs4Trusted(aggregatorAs: number, hasAs4Aggregator: boolean): boolean {
  return !hasAs4Aggregator || aggregatorAs === 23456;
}

/**
 * Writes the segments with 4-octet ASes. An empty AS4_PATH range stands for none.
 * Both ranges have passed `checkAttributeValue`.
 */
export function writeMergedAsPath(
  bytes: Uint8Array,
  start: number,
  stop: number,
  as4Start: number,
  as4Stop: number,
  target: Uint8Array,
  at: number,
): number {
  const own = countAses(bytes, start, stop, 2);
  const newer = countAses(bytes, as4Start, as4Stop, 4);
  if (newer === 0 || own < newer) return widen(bytes, start, stop, own, target, at);
  const end = widen(bytes, start, stop, own - newer, target, at);
  return append(bytes, as4Start, as4Stop, target, at, end);
}

/** A set counts 1, confederation segments 0 (RFC 4271 section 9.1.2.2, RFC 5065 section 5.3). */
function countAses(bytes: Uint8Array, start: number, stop: number, width: 2 | 4): number {
  let count = 0;
  for (let at = start; at < stop; at += 2 + readU8(bytes, at + 1) * width) {
    const type = readU8(bytes, at);
    if (type === SegmentType.Sequence) count += readU8(bytes, at + 1);
    else if (type === SegmentType.Set) count += 1;
  }
  return count;
}

/**
 * The leading `take` ASes of AS_PATH. Confederation segments come along where they lead or follow a
 * segment that was taken whole.
 */
function widen(
  bytes: Uint8Array,
  start: number,
  stop: number,
  take: number,
  target: Uint8Array,
  at: number,
): number {
  let left = take;
  let end = at;
  let segment = start;
  while (segment < stop) {
    const type = readU8(bytes, segment);
    const count = readU8(bytes, segment + 1);
    let copy = count;
    if (type === SegmentType.Sequence || type === SegmentType.Set) {
      if (left === 0) break;
      if (type === SegmentType.Sequence && left < count) copy = left;
      left -= type === SegmentType.Set ? 1 : copy;
    }
    target[end] = type;
    target[end + 1] = copy;
    end += 2;
    for (let i = 0; i < copy; i++, end += 4) {
      writeU32(target, end, readU16(bytes, segment + 2 + i * 2));
    }
    if (copy < count) break;
    segment += 2 + count * 2;
  }
  return end;
}

/** AS4_PATH behind what is there, without confederation segments; two sequences that meet become one. */
function append(
  bytes: Uint8Array,
  start: number,
  stop: number,
  target: Uint8Array,
  pathStart: number,
  pathEnd: number,
): number {
  let last = lastSegment(target, pathStart, pathEnd);
  let end = pathEnd;
  let segment = start;
  while (segment < stop) {
    const type = readU8(bytes, segment);
    const count = readU8(bytes, segment + 1);
    const next = segment + 2 + count * 4;
    if (type === SegmentType.Sequence || type === SegmentType.Set) {
      const joins =
        type === SegmentType.Sequence &&
        last >= 0 &&
        readU8(target, last) === SegmentType.Sequence &&
        readU8(target, last + 1) + count <= 255;
      if (joins) {
        target[last + 1] = readU8(target, last + 1) + count;
        end = copyBytes(bytes, segment + 2, next, target, end);
      } else {
        last = end;
        end = copyBytes(bytes, segment, next, target, end);
      }
    }
    segment = next;
  }
  return end;
}

function lastSegment(path: Uint8Array, start: number, end: number): number {
  let last = -1;
  for (let at = start; at < end; at += 2 + readU8(path, at + 1) * 4) last = at;
  return last;
}
