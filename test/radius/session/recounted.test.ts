/** Accounting that changes nothing but times and counters, in place: the same as a session made anew. */
import { expect, test } from "vitest";
import { AcctStatus, Attr, Code } from "../../../src/radius/packet/iana.js";
import { findText } from "../../../src/radius/packet/packet.js";
import { begunSession, counted, recounted } from "../../../src/radius/session/session-fields.js";
import { Random } from "../../model/lib/random.js";
import { accessRequest, accountingRequest, responseTo, STATION } from "../lib/packets.js";
import type { Pair } from "../lib/packets.js";

const SOURCE = { client: "10.0.0.1", clientPort: 1000, pool: "main" };
const NUMBERS = [
  ...[Attr.AcctInputOctets, Attr.AcctOutputOctets, Attr.AcctInputGigawords, Attr.EventTimestamp],
  ...[
    Attr.AcctOutputGigawords,
    Attr.AcctInputPackets,
    Attr.AcctOutputPackets,
    Attr.AcctSessionTime,
  ],
];

test("in place or anew, whatever the message says", () => {
  const random = new Random(815);
  const access = accessRequest([[Attr.UserName, "bob"], ...STATION], "s");
  const accept = responseTo(access, Code.AccessAccept, [], "s");
  let session = begunSession(access, accept, SOURCE, { id: 1, tenant: "t", now: 0 });
  let inPlace = 0;
  for (let now = 1; now <= 5000; now++) {
    const some = NUMBERS.filter(() => random.below(2) === 0);
    const more: readonly Pair[] = [
      ...some.map((type): Pair => [type, random.next()]),
      ...(random.oneIn(4) ? [] : [[Attr.AcctSessionId, random.oneIn(9) ? "b" : "a"] as const]),
      ...(random.oneIn(3) ? [[Attr.FramedIpAddress, 0x0a000001 + random.below(2)] as const] : []),
    ];
    const message = accountingRequest([[Attr.AcctStatusType, AcctStatus.Interim], ...more], "s");
    const before = { ...session };
    const anew = counted(session, message, now);
    expect(session).toEqual(before);
    if (recounted(session, message, findText(message, Attr.AcctSessionId), now)) {
      inPlace++;
      expect(session, `message ${now}`).toEqual(anew);
      // What is told elsewhere has not changed behind anybody's back.
      const { confirmed, address, acctSessionId } = before;
      expect(session).toMatchObject({ confirmed, address, acctSessionId });
    } else {
      expect(session, `message ${now}`).toEqual(before);
      session = anew;
    }
  }
  expect(inPlace).toBeGreaterThan(2500);
});
