/**
 * A million bad inputs: nothing but faults as values, no read outside the message, no time beyond what
 * its length explains. Seeded; EVPND_SEED repeats a run, EVPND_INPUTS makes it shorter or longer.
 */
import { describe, expect, it } from "vitest";
import { decodeAttributes } from "../../src/fast-bgp-codec/attribute/list.js";
import { attributeRule } from "../../src/fast-bgp-codec/attribute/rules.js";
import { writeCanonicalAttributes } from "../../src/fast-bgp-codec/canonical.js";
import type { DecodeContext } from "../../src/fast-bgp-codec/context.js";
import { checkHeader, headerFault } from "../../src/fast-bgp-codec/header.js";
import { decodeMessage } from "../../src/fast-bgp-codec/message.js";
import { NlriScan, NlriStatus, maskNlri, scanNlri } from "../../src/fast-bgp-codec/nlri-scan.js";
import { decodeNlri, encodeNlri, formatNlri } from "../../src/fast-bgp-codec/nlri.js";
import { decodeOpen } from "../../src/fast-bgp-codec/open.js";
import {
  UpdateScan,
  attributeEnd,
  attributeStart,
  scanUpdate,
  strongestFault,
} from "../../src/fast-bgp-codec/update-scan.js";
import { ALL_FAMILIES, FAMILIES, Family } from "../../src/fast-bgp-codec/family.js";
import { Severity } from "../../src/fast-bgp-codec/fault.js";
import { CORPUS, Mutator, Random } from "./mutate.js";

const SEED = Number(process.env["EVPND_SEED"] ?? 20260101) >>> 0;
const INPUTS = Number(process.env["EVPND_INPUTS"] ?? 1_000_000);
/** Octets of poison on both sides of a message. */
const MARGIN = 300;
/** Two vectors, one behind the other. */
const LONGEST = 2 * Math.max(...CORPUS.map((bytes) => bytes.length)) + 200;

const scan = new UpdateScan();
const nlri = new NlriScan();
const masked = new Uint8Array(300);
const canonical = new Uint8Array(140_000);

/** A running hash of what a decoder gave: two runs that saw the same octets give the same. */
class Digest {
  value = 0;

  number(n: number): void {
    this.value = (Math.imul(this.value ^ n, 0x01000193) + (this.value >>> 13)) | 0;
  }

  octets(bytes: Uint8Array, start: number, end: number): void {
    for (let i = start; i < end; i++) this.number(bytes[i]!);
  }

  text(text: string): void {
    for (let i = 0; i < text.length; i++) this.number(text.charCodeAt(i));
  }
}

function must(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

/** The hot path over `bytes[start, end)`, as the reflector runs it. Offsets enter the digest relative to `start`. */
function runHotPath(
  bytes: Uint8Array,
  start: number,
  end: number,
  context: DecodeContext,
  digest: Digest,
): void {
  const length = end - start;
  if (length >= 19) {
    const checked = checkHeader(bytes, start, 4096);
    digest.number(checked);
    const fault = headerFault(bytes, start, 4096);
    must(checked < 0 === (fault !== undefined), "checkHeader and headerFault disagree");
    if (fault !== undefined) digest.text(fault.detail);
  }
  if (length < 23) return;
  scanUpdate(bytes, start, end, context, scan);
  digest.number(scan.severity);
  for (const fault of scan.faults) {
    digest.text(fault.detail);
    digest.octets(fault.data, 0, fault.data.length);
    must(fault.severity <= scan.severity, "a fault is stronger than the verdict");
    must(fault.data.length <= length, "fault data exceed the message");
  }
  must(scan.severity === 0 || strongestFault(scan) !== undefined, "a verdict without a fault");
  if (scan.severity === Severity.SessionReset) return;
  walk(bytes, scan.withdrawnStart, scan.withdrawnEnd, 0, context, start, digest);
  walk(bytes, scan.nlriStart, scan.nlriEnd, 0, context, start, digest);
  if (scan.reachFamily !== -1) {
    must(scan.reachNextHopStart + scan.reachNextHopLength < scan.reachStart, "next hop too long");
    must(scan.reachStart <= scan.reachEnd && scan.reachEnd <= end, "MP_REACH_NLRI outside");
    digest.octets(bytes, scan.reachNextHopStart, scan.reachNextHopStart + scan.reachNextHopLength);
    walk(bytes, scan.reachStart, scan.reachEnd, scan.reachFamily, context, start, digest);
  }
  if (scan.unreachFamily !== -1) {
    walk(bytes, scan.unreachStart, scan.unreachEnd, scan.unreachFamily, context, start, digest);
  }
  digest.number(scan.endOfRib);
  for (let i = 0; i < scan.attributeCount; i++) {
    digest.number(scan.code[i]!);
    digest.octets(bytes, attributeStart(scan, i), attributeEnd(scan, i));
    must(attributeStart(scan, i) >= start && attributeEnd(scan, i) <= end, "value outside");
  }
  if (scan.severity >= Severity.TreatAsWithdraw) return;
  const written = writeCanonicalAttributes(bytes, scan, context, canonical, 0);
  must(written >= 0 && written <= 2 * length + 8, "canonical attributes too long");
  digest.octets(canonical, 0, written);
}

function walk(
  bytes: Uint8Array,
  from: number,
  to: number,
  family: Family,
  context: DecodeContext,
  start: number,
  digest: Digest,
): void {
  const addPath = (context.addPath & (1 << family)) !== 0;
  for (let at = from; at < to;) {
    const next = scanNlri(family, bytes, at, to, addPath, nlri);
    must(next > at && next <= to, "an NLRI of a checked field overruns");
    must(nlri.keyStart >= nlri.start && nlri.keyStart + nlri.keyLength <= next, "key outside");
    must(nlri.tailStart >= nlri.start && nlri.tailStart + nlri.tailLength <= next, "tail outside");
    digest.number(nlri.status + 8 * nlri.routeType + nlri.pathId);
    digest.number(nlri.keyStart - start);
    digest.number(nlri.tailLength);
    digest.octets(masked, 0, maskNlri(family, bytes, nlri, masked, 0));
    at = next;
  }
}

/** The object layer over the same octets, with offsets, so that the poison lies within reach. */
function runObjects(
  bytes: Uint8Array,
  start: number,
  end: number,
  context: DecodeContext,
  digest: Digest,
): void {
  digest.text(JSON.stringify(decodeMessage(bytes.subarray(start, end), context)));
  if (end - start < 29) return;
  digest.text(JSON.stringify(decodeOpen(bytes, start, end)));
  digest.text(JSON.stringify(decodeAttributes(bytes, start + 23, end, context)));
}

describe(`seed ${SEED}`, () => {
  it(
    `${INPUTS} inputs give faults as values, whatever lies around them`,
    { timeout: 600_000 },
    () => {
      const mutator = new Mutator(new Random(SEED));
      const zeros = new Uint8Array(2 * MARGIN + LONGEST);
      const ones = new Uint8Array(2 * MARGIN + LONGEST);
      const severities = [0, 0, 0, 0, 0];
      let deepest = 0;
      for (let n = 0; n < INPUTS; n++) {
        const length = mutator.next(zeros, MARGIN);
        const end = MARGIN + length;
        const context = mutator.context();
        ones.set(zeros.subarray(MARGIN, end), MARGIN);
        zeros.fill(0, end, end + MARGIN);
        ones.fill(0xff, 0, MARGIN);
        ones.fill(0xff, end, end + MARGIN);
        try {
          const [a, b] = [new Digest(), new Digest()];
          runHotPath(zeros, MARGIN, end, context, a);
          if (length >= 23) severities[scan.severity]!++;
          if (scan.attributeCount > deepest) deepest = scan.attributeCount;
          runHotPath(ones, MARGIN, end, context, b);
          must(a.value === b.value, "the verdict depends on octets outside the message");
          const message = decodeMessage(zeros.subarray(MARGIN, end), context);
          must(typeof message.message === "string", "no message");
          if (n % 10 === 0) {
            runObjects(zeros, MARGIN, end, context, a);
            runObjects(ones, MARGIN, end, context, b);
            must(a.value === b.value, "the objects depend on octets outside the message");
          }
        } catch (error) {
          const hex = Buffer.from(zeros.subarray(MARGIN, end)).toString("hex");
          const where = `seed ${SEED}, input ${n}: ${hex} in ${JSON.stringify(context)}`;
          throw new Error(`${where}\n${String((error as Error).stack)}`, { cause: error });
        }
      }
      // The inputs reach everything they should: all kinds, all verdicts, long attribute lists.
      for (const [kind, count] of Object.entries(mutator.kinds)) {
        expect(count, kind).toBeGreaterThan(INPUTS / 20);
      }
      for (const severity of [0, 1, 2, 4]) {
        expect(severities[severity], `severity ${severity}`).toBeGreaterThan(INPUTS / 200);
      }
      expect(deepest).toBeGreaterThan(10);
    },
  );

  it("never reads an octet that is not the message's", () => {
    const mutator = new Mutator(new Random(SEED ^ 1));
    const buffer = new Uint8Array(LONGEST);
    for (let n = 0; n < 4000; n++) {
      const length = n < CORPUS.length ? CORPUS[n]!.length : mutator.next(buffer, 0);
      const bytes = n < CORPUS.length ? CORPUS[n]! : buffer;
      const watched = watch(bytes, 0, length);
      const hex = Buffer.from(bytes.subarray(0, length)).toString("hex");
      runHotPath(watched.bytes, 0, length, mutator.context(), new Digest());
      expect(watched.strays(), hex).toEqual([]);
    }
  });

  it("not even where the last attribute is cut short", () => {
    const values = new Map<string, Uint8Array>();
    for (const bytes of CORPUS) {
      if (bytes[18] !== 2 || bytes.length < 23) continue;
      scanUpdate(bytes, 0, bytes.length, LENIENT, scan);
      for (let i = 0; i < scan.attributeCount; i++) {
        const value = bytes.slice(attributeStart(scan, i), attributeEnd(scan, i));
        if (value.length < 60) values.set(`${scan.code[i]} ${value.toString()}`, value);
      }
    }
    expect(values.size).toBeGreaterThan(150);
    for (const [key, value] of values) {
      const code = Number(key.split(" ")[0]);
      for (let cut = 0; cut <= value.length; cut++) {
        const attribute = longAttribute(code, value.subarray(0, cut));
        attribute[0] = 0x10 | (attributeRule(code)?.flags ?? 0xc0);
        const message = updateOf(attribute);
        for (const as4 of [true, false]) {
          const watched = watch(message, 0, message.length);
          runHotPath(watched.bytes, 0, message.length, { ...LENIENT, as4 }, new Digest());
          expect(watched.strays(), `${key} cut to ${cut}`).toEqual([]);
        }
      }
    }
  });
});

/** A view of octets that counts reads and remembers those outside `[start, end)`. */
function watch(
  bytes: Uint8Array,
  start: number,
  end: number,
): { bytes: Uint8Array; reads(): number; strays(): number[] } {
  let reads = 0;
  const strays: number[] = [];
  const proxy = new Proxy(bytes, {
    get(target, key) {
      const index = typeof key === "string" ? Number(key) : NaN;
      if (!Number.isNaN(index)) {
        reads++;
        if (index < start || index >= end) strays.push(index);
        return target[index];
      }
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
    set(target, key, value: number) {
      reads++;
      target[Number(key)] = value;
      return true;
    },
  });
  return { bytes: proxy, reads: () => reads, strays: () => strays };
}

/** An UPDATE of about `size` octets around attributes and an EVPN field. */
function bigUpdate(attributes: Uint8Array, size: number, unit: Uint8Array): Uint8Array {
  const count = Math.max(0, Math.floor((size - 23 - attributes.length - 13) / unit.length));
  const nlri = Buffer.concat(Array.from({ length: count }, () => unit));
  const reach = Buffer.from([0x90, 14, 0, 0, 0, 25, 70, 4, 192, 0, 2, 1, 0]);
  reach.writeUInt16BE(9 + nlri.length, 2);
  return updateOf(Buffer.concat([reach, nlri, attributes]));
}

/** An UPDATE of attributes alone. */
function updateOf(attributes: Uint8Array): Uint8Array {
  const head = Buffer.alloc(23, 0xff);
  head.writeUInt16BE(23 + attributes.length, 16);
  head[18] = 2;
  head.writeUInt16BE(0, 19);
  head.writeUInt16BE(attributes.length, 21);
  return new Uint8Array(Buffer.concat([head, attributes]));
}

/** Everything negotiated, bodies of NLRI looked into. */
const LENIENT: DecodeContext = {
  as4: true,
  ibgp: true,
  peerAs: 0,
  families: ALL_FAMILIES,
  addPath: 0,
  malformedNlri: "treat-as-withdraw",
};

const MANDATORY = Buffer.from("4001010040020040050400000064", "hex");

function longAttribute(code: number, value: Uint8Array): Buffer {
  const head = Buffer.from([0xd0, code, 0, 0]);
  head.writeUInt16BE(value.length, 2);
  return Buffer.concat([head, value]);
}

/** Attributes of about `size` octets that would hurt if something were compared with everything before it. */
const HEAVY: Readonly<Record<string, (size: number) => Uint8Array>> = {
  "different large communities": (size) => {
    const value = Buffer.alloc(12 * Math.floor(size / 12));
    for (let i = 0; i < value.length / 12; i++) value.writeUInt32BE(i, 12 * i + 8);
    return longAttribute(32, value);
  },
  "equal large communities": (size) =>
    longAttribute(32, Buffer.alloc(12 * Math.floor(size / 12), 7)),
  "one attribute again and again": (size) =>
    Buffer.concat(
      Array.from({ length: Math.floor(size / 4) }, () => Buffer.from("c0630100", "hex")),
    ),
  "AS_PATH of one-AS segments": (size) =>
    longAttribute(
      17,
      Buffer.concat(
        Array.from({ length: Math.floor(size / 6) }, () => Buffer.from("02010000fde9", "hex")),
      ),
    ),
  "tunnels with empty TLVs": (size) =>
    longAttribute(
      23,
      Buffer.concat(
        Array.from({ length: Math.floor(size / 4) }, () => Buffer.from("00080000", "hex")),
      ),
    ),
};

describe("work grows with the length, not faster", () => {
  const context: DecodeContext = { ...LENIENT, as4: false };
  it.each(Object.entries(HEAVY))("%s", (_name, make) => {
    for (const size of [1000, 8000, 64000]) {
      const attributes = Buffer.concat([MANDATORY, make(size - 200)]);
      const message = bigUpdate(attributes, 0, new Uint8Array(1));
      const watched = watch(message, 0, message.length);
      scanUpdate(watched.bytes, 0, message.length, context, scan);
      const target = watch(canonical, 0, canonical.length);
      if (scan.severity < Severity.TreatAsWithdraw) {
        writeCanonicalAttributes(watched.bytes, scan, context, target.bytes, 0);
      }
      expect(watched.reads() + target.reads()).toBeLessThan(12 * message.length);
      expect(scan.faults.length).toBeLessThan(300);
    }
  });
  it.each([
    ["unknown types of no length", "c800"],
    ["MAC routes", "02210001c0000201006400000000000000000000000000003000005e005301000027" + "74"],
    ["leaf routes within each other", "0b0a0b020000200102030420" + "01020304".slice(0, 0)],
  ])("EVPN: %s", (_name, hex) => {
    const unit = new Uint8Array(Buffer.from(hex, "hex"));
    for (const size of [1000, 8000, 65000]) {
      const message = bigUpdate(MANDATORY, size, unit);
      const watched = watch(message, 0, message.length);
      runHotPath(watched.bytes, 0, message.length, context, new Digest());
      expect(watched.reads()).toBeLessThan(16 * message.length);
    }
  });
  it("leaf routes nested as deep as they go are decoded and encoded", () => {
    let inner = Buffer.from("c800", "hex");
    for (;;) {
      const body = Buffer.concat([inner, Buffer.from("20c0000201", "hex")]);
      if (body.length > 255) break;
      inner = Buffer.concat([Buffer.from([11, body.length]), body]);
    }
    const decoded = decodeNlri(Family.Evpn, inner, 0, inner.length);
    expect(Buffer.from(encodeNlri(Family.Evpn, decoded)).equals(inner)).toBe(true);
    expect(formatNlri(Family.Evpn, decoded)).toContain("11:11:11:");
  });
  it("knows every family by number", () => {
    expect(FAMILIES.map((row) => row.family)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(NlriStatus.Overrun).toBe(4);
  });
});
