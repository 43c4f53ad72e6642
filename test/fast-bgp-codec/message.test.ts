import { describe, expect, it } from "vitest";
import {
  decodeMessage,
  encodeMessage,
  type DecodedMessage,
} from "../../src/fast-bgp-codec/message.js";
import { contextOf, loadVectors, octets, type Vector } from "./vectors.js";

/** How many vectors each file holds: a file that went missing or lost lines fails here. */
const WELL_FORMED = {
  "hand-wellformed": 111,
  "captured-frr": 52,
  "captured-gobgp": 26,
  "captured-exabgp": 4,
  "hand-vpn": 13,
} as const;
const MALFORMED = 86;

/** These announce from an external AS without LOCAL_PREF, which the files do not say in `context`. */
const EXTERNAL = new Set(["evpn-aspath-ebgp-4octet", "evpn-aspath-2octet-with-as4path"]);

/** What describes the layout of an OPEN, not its meaning, is ours alone. */
function withoutLayout(message: DecodedMessage): object {
  return { ...message, layout: undefined };
}

function contextFor(vector: Vector): ReturnType<typeof contextOf> {
  return EXTERNAL.has(vector.name) ? { ...contextOf(vector), ibgp: false } : contextOf(vector);
}

for (const [file, count] of Object.entries(WELL_FORMED)) {
  const vectors = loadVectors(file);
  describe(`${file}: ${vectors.length} messages`, () => {
    it("is complete", () => {
      expect(vectors).toHaveLength(count);
      expect(new Set(vectors.map((vector) => vector.name)).size).toBe(count);
    });
    it.each(vectors)("decodes and encodes $name", (vector) => {
      const bytes = octets(vector.hex);
      expect(bytes).toHaveLength(vector.length);
      const message = decodeMessage(bytes, contextFor(vector));
      expect(withoutLayout(message)).toEqual(vector.decoded);
      expect(Buffer.from(encodeMessage(message, contextFor(vector))).toString("hex")).toBe(
        vector.hex,
      );
    });
    it("means the same after a trip through JSON", () => {
      for (const vector of vectors) {
        const message = decodeMessage(octets(vector.hex), contextFor(vector));
        const copy = JSON.parse(JSON.stringify(message)) as DecodedMessage;
        expect(Buffer.from(encodeMessage(copy, contextFor(vector))).toString("hex")).toBe(
          vector.hex,
        );
      }
    });
  });
}

const malformed = loadVectors("hand-malformed");

/** One `alsoAcceptable` entry: a treatment, a NOTIFICATION for the session reset, or both. */
function isAccepted(entry: string, treatment: string, notification: string | undefined): boolean {
  const match = /^(?:(session-reset)(?: with )?)?(?:NOTIFICATION (\d+\/\d+))?$/.exec(entry);
  if (match?.[2] !== undefined) return treatment === "session-reset" && notification === match[2];
  return entry.split(" ")[0] === treatment;
}

function judge(vector: Vector, malformedNlri: "drop" | "treat-as-withdraw" | "reset"): string {
  const wanted = vector.expect!;
  const message = decodeMessage(octets(vector.hex), { ...contextOf(vector), malformedNlri });
  const outcome = "outcome" in message ? message.outcome : undefined;
  const treatment = outcome?.treatment ?? "accept";
  const sent = outcome?.notification;
  const number = sent === undefined ? undefined : `${sent.code}/${sent.subcode}`;
  const also = wanted.alsoAcceptable ?? [];
  if (also.some((entry) => isAccepted(entry, treatment, number))) return "ok";
  if (treatment !== wanted.treatment) return `${treatment} instead of ${wanted.treatment}`;
  if (treatment !== "session-reset") return "ok";
  const note = wanted.notification;
  if (note === undefined) return number === undefined ? "ok" : `sends ${number}`;
  if (number !== `${note.code}/${note.subcode}`) return `sends ${number}`;
  if (note.data !== undefined && sent?.data !== note.data) return `data ${sent?.data}`;
  return "ok";
}

describe(`hand-malformed: ${malformed.length} messages`, () => {
  it("is complete", () => {
    expect(malformed).toHaveLength(MALFORMED);
  });
  it.each(malformed)("$name comes to what it should", (vector) => {
    expect(judge(vector, "drop")).toBe("ok");
    expect(judge(vector, "reset")).toBe("ok");
  });

  const bodies = malformed.filter((v) => v.expect!.alsoAcceptable?.includes("nlri-discard"));
  const evpn = bodies.filter((vector) => vector.name.startsWith("bad-evpn"));
  it("the knob decides what a bad EVPN body costs", () => {
    expect(evpn).toHaveLength(9);
    for (const vector of evpn) {
      const treatments = (["drop", "treat-as-withdraw", "reset"] as const).map((malformedNlri) => {
        const message = decodeMessage(octets(vector.hex), { ...contextOf(vector), malformedNlri });
        return "outcome" in message ? message.outcome?.treatment : undefined;
      });
      expect(treatments, vector.name).toEqual([
        "nlri-discard",
        "treat-as-withdraw",
        "session-reset",
      ]);
    }
  });
  it("gives back the octets of bad messages too", () => {
    for (const vector of malformed) {
      const message = decodeMessage(octets(vector.hex), contextOf(vector));
      const again = encodeMessage(message, contextOf(vector));
      expect(Buffer.from(again).toString("hex"), vector.name).toBe(vector.hex);
    }
  });
});
