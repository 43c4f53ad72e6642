/** A recording as MRT: BGP4MP_ET records (RFC 6396), as the log of updates has them. */
import { writeU16 } from "../../../util/bytes.js";
import { beginBgp4mp, Bgp4mp, endBgp4mp, messageSubtype, MOST_FRONT } from "../mrt/record.js";
import { hasPathIds } from "../mrt/update-log.js";
import { aboutSession, type RecordedEvent, type Recording } from "./recording.js";
import { timeline } from "./timeline.js";

export function exportMrt(recordings: readonly Recording[], from: number): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const item of timeline(recordings, from)) {
    if (item.kind === "state") parts.push(stateRecord(item));
    else if (item.kind === "received" || item.kind === "sent") parts.push(...messageRecords(item));
  }
  return Buffer.concat(parts);
}

function stateRecord(item: RecordedEvent): Uint8Array {
  const record = new Uint8Array(MOST_FRONT + 4);
  const subtype = Bgp4mp.StateChangeAs4;
  const p = beginBgp4mp(record, 0, item.time, subtype, aboutSession(item.session));
  writeU16(record, p, item.bytes[0] ?? 0);
  writeU16(record, p + 2, item.bytes[1] ?? 0);
  endBgp4mp(record, 0, p + 4);
  return record.subarray(0, p + 4);
}

function* messageRecords(item: RecordedEvent): Generator<Uint8Array> {
  const { bytes, session, time } = item;
  const local = item.kind === "sent";
  const about = aboutSession(session);
  for (let at = 0; at < bytes.length;) {
    const end = at + ((bytes[at + 16]! << 8) | bytes[at + 17]!);
    const pathIds = hasPathIds(session.source, bytes, at, end, local);
    const record = new Uint8Array(MOST_FRONT + end - at);
    const subtype = messageSubtype(about.as4, local, pathIds);
    const p = beginBgp4mp(record, 0, time, subtype, about);
    record.set(bytes.subarray(at, end), p);
    endBgp4mp(record, 0, p + end - at);
    yield record.subarray(0, p + end - at);
    at = end;
  }
}
