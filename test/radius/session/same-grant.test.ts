/** An accept that says nothing new, read in place: never "the same" where the fields differ. */
import { expect, test } from "vitest";
import { Attr, Code, Vendor } from "../../../src/radius/packet/iana.js";
import { saysTheSame } from "../../../src/radius/session/same-grant.js";
import { begunSession, granted, grantsAlike } from "../../../src/radius/session/session-fields.js";
import { Random } from "../../model/lib/random.js";
import { accessRequest, responseTo, STATION } from "../lib/packets.js";
import type { Pair } from "../lib/packets.js";

const SOURCE = { client: "10.0.0.1", clientPort: 1000, pool: "main" };
const NAMES = ["", "bob", "bop", "bobby", "ümit", "\u0001x"];

function erx(type: number, text: string): Uint8Array {
  const value = Buffer.alloc(6 + text.length);
  value.writeUInt32BE(Vendor.Erx);
  value[4] = type;
  value[5] = 2 + text.length;
  value.write(text, 6);
  return value;
}

const CHOICES: readonly ((random: Random) => Pair)[] = [
  (random) => [Attr.UserName, random.pick(NAMES)],
  (random) => [Attr.Class, Uint8Array.of(random.below(2), 0xab, random.below(2) * 255)],
  (random) => [
    Attr.TunnelPrivateGroupId,
    random.pick(["100", "\u000110", "\u0001100", "", "\u0001"]),
  ],
  (random) => [Attr.FramedPool, random.pick(["gold", "silver", "göld"])],
  (random) => [Attr.FramedIpAddress, random.pick([0x0a000001, 0xffffffff, 0xfffffffe])],
  (random) => [Attr.VendorSpecific, erx(random.pick([1, 2, 31, 90]), random.pick(["gold", "a"]))],
  () => [Attr.VendorSpecific, Uint8Array.of(0, 0, 1, 0x37, 1, 4, 9, 9)],
  () => [27, 3600],
];

function grants(random: Random): readonly Pair[] {
  return Array.from({ length: random.below(4) }, () => random.pick(CHOICES)(random));
}

test("whatever the accepts, the same in place is the same in the fields", () => {
  const random = new Random(4711);
  let [same, told] = [0, 0];
  for (let round = 0; round < 20_000; round++) {
    const request = (): Uint8Array =>
      accessRequest([[Attr.UserName, random.pick(NAMES)], ...STATION], "s");
    const [one, two] = [request(), random.below(4) === 0 ? request() : undefined];
    const first = grants(random);
    const second = random.below(2) === 0 ? first : grants(random);
    const accept = responseTo(one, Code.AccessAccept, first, "s");
    const session = begunSession(one, accept, SOURCE, { id: 1, tenant: "t", now: 0 });
    const [next, again] = [two ?? one, responseTo(two ?? one, Code.AccessAccept, second, "s")];
    const now = granted(next, again);
    const alike = grantsAlike(session, now) && (now.address ?? session.address) === session.address;
    if (alike) same++;
    if (!saysTheSame(session, next, again)) continue;
    told++;
    expect(alike, `round ${round}`).toBe(true);
  }
  // Most of what is the same is told in place.
  expect(told).toBeGreaterThan(same * 0.4);
  expect(told).toBeGreaterThan(2000);
});

test("what accepts mostly hold is told in place", () => {
  const pairs: readonly Pair[] = [
    [Attr.UserName, "bob@example.org"],
    [Attr.Class, Uint8Array.of(1, 2, 0xfe)],
    [Attr.Class, Uint8Array.of(3)],
    [Attr.TunnelPrivateGroupId, "\u0001100"],
    [Attr.FramedPool, "gold"],
    [27, 3600],
  ];
  const request = accessRequest([[Attr.UserName, "bob"], ...STATION], "s");
  const accept = responseTo(request, Code.AccessAccept, pairs, "s");
  const session = begunSession(request, accept, SOURCE, { id: 1, tenant: "t", now: 0 });
  expect(saysTheSame(session, request, accept)).toBe(true);
  for (const [index] of pairs.slice(0, 5).entries()) {
    const fewer = pairs.filter((_, at) => at !== index);
    const other = responseTo(request, Code.AccessAccept, fewer, "s");
    expect(saysTheSame(session, request, other), `without the ${index}th`).toBe(false);
  }
});
