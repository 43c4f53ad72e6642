/** What a session with ADD-PATH understands of what it was sent (RFC 7911): routes by key and path id. */
import { Family, familyOf } from "../../../src/fast-bgp-codec/family.js";
import { numberAt, octetsIn, slice } from "../../model/lib/hex.js";
import { nlriKey } from "../../model/lib/nlri.js";
import { MARKER } from "../../model/lib/wire.js";
import type { FakeOutlet } from "../lib/tables.js";

const MARK = 200;
const MP_REACH = 14;
const MP_UNREACH = 15;

/** One message, cut into words: "+key#id=mark", "-key#id", "end family", "refresh family subtype". */
export function takePaths(outlet: FakeOutlet, addPath: number): string[] {
  return outlet.buffers.splice(0).flatMap((buffer) => {
    const hex = Buffer.from(buffer).toString("hex");
    const words: string[] = [];
    for (let at = 0; at < buffer.length;) {
      if (slice(hex, at, 16) !== MARKER) throw new Error("no marker");
      const octets = numberAt(hex, at + 16, 2);
      const body = slice(hex, at + 19, octets - 19);
      words.push(...(numberAt(hex, at + 18, 1) === 5 ? refresh(body) : update(body, addPath)));
      at += octets;
    }
    return words;
  });
}

/** Applies these words to a view of what the session holds; a withdrawal of nothing is a fault. */
export function applyPaths(view: Map<string, string>, words: readonly string[]): void {
  for (const word of words) {
    if (word.startsWith("+")) {
      const [name, mark] = word.slice(1).split("=") as [string, string];
      view.set(name, mark);
    } else if (word.startsWith("-") && !view.delete(word.slice(1))) {
      throw new Error(`withdrawn and never announced: ${word}`);
    }
  }
}

function refresh(body: string): string[] {
  const family = familyOf(numberAt(body, 0, 2), numberAt(body, 3, 1))!;
  return [`refresh ${String(family)} ${String(numberAt(body, 2, 1))}`];
}

function update(body: string, addPath: number): string[] {
  const withdrawn = slice(body, 2, numberAt(body, 0, 2));
  const start = 4 + octetsIn(withdrawn);
  const attributes = numberAt(body, start - 2, 2);
  const nlri = slice(body, start + attributes);
  const words = split(Family.Ipv4Unicast, withdrawn, addPath).map((name) => `-${name}`);
  const announced: string[] = split(Family.Ipv4Unicast, nlri, addPath);
  let mark = "";
  for (let at = start; at < start + attributes;) {
    const long = (numberAt(body, at, 1) & 0x10) !== 0;
    const code = numberAt(body, at + 1, 1);
    const length = numberAt(body, at + 2, long ? 2 : 1);
    const value = slice(body, at + (long ? 4 : 3), length);
    at += (long ? 4 : 3) + length;
    if (code === MARK) mark = slice(value, 0, 4);
    else if (code === MP_REACH) {
      const family = familyOf(numberAt(value, 0, 2), numberAt(value, 2, 1))!;
      announced.push(...split(family, slice(value, 5 + numberAt(value, 3, 1)), addPath));
    } else if (code === MP_UNREACH) {
      const family = familyOf(numberAt(value, 0, 2), numberAt(value, 2, 1))!;
      const gone = split(family, slice(value, 3), addPath);
      if (gone.length === 0) return [`end ${String(family)}`];
      words.push(...gone.map((name) => `-${name}`));
    }
  }
  if (announced.length + words.length === 0) return [`end ${String(Family.Ipv4Unicast)}`];
  return [...words, ...announced.map((name) => `+${name}=${mark}`)];
}

/** "key#id" of each NLRI; id 0 where the family has none. */
function split(family: Family, run: string, addPath: number): string[] {
  const names: string[] = [];
  const idOctets = (addPath & (1 << family)) === 0 ? 0 : 4;
  for (let at = 0; at < octetsIn(run);) {
    const id = idOctets === 0 ? 0 : numberAt(run, at, 4);
    at += idOctets;
    const octets =
      family === Family.Evpn
        ? 2 + numberAt(run, at + 1, 1)
        : 1 + Math.ceil(numberAt(run, at, 1) / 8);
    names.push(`${nlriKey(family, slice(run, at, octets))}#${String(id)}`);
    at += octets;
  }
  return names;
}
