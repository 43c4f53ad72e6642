/** Sessions found by user and accounting session: the same as a walk over all finds, after any changes. */
import { expect, test } from "vitest";
import { AcctStatus, Attr, Code } from "../../../src/radius/packet/iana.js";
import { SessionIndex } from "../../../src/radius/session/session-index.js";
import { SessionTable } from "../../../src/radius/session/session-table.js";
import { accessRequest, accountingRequest, responseTo } from "../lib/packets.js";
import type { Pair } from "../lib/packets.js";

test("RAD-62: an index of one name is as small as it was when all are gone", () => {
  const index = new SessionIndex();
  for (const mac of ["a", "b", "a"]) index.add("bob", mac);
  index.add(undefined, "c");
  expect([...index.of("bob")]).toEqual(["a", "b"]);
  index.remove("bob", "a");
  index.remove("bob", "b");
  index.remove("bob", "b");
  index.remove(undefined, "c");
  expect([[...index.of("bob")], index.size]).toEqual([[], 0]);
});

test("RAD-62: whatever happens to sessions, what is found by name is what a walk finds", () => {
  // A sequence that is the same each time.
  let seed = 7;
  const any = (most: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((seed / 2_147_483_648) * most);
  };
  const table = new SessionTable({
    tenant: "t",
    rules: () => ({ profile: "modern", sessionIdleMs: 1e12 }),
    wall: () => 1_000_000,
    onEvent: () => {},
  });
  const source = { client: "10.0.0.1", clientPort: 1000, pool: "main" };
  for (let n = 0; n < 1000; n++) {
    const where: Pair[] = [
      [Attr.CalledStationId, `02-00-00-00-00-0${any(3)}`],
      [Attr.CallingStationId, `02-AA-BB-CC-DD-0${any(6)}`],
    ];
    const id: Pair = [Attr.AcctSessionId, `s${any(4)}`];
    if (any(3) === 0) {
      const named = any(2) === 0 ? [id] : [];
      const request = accessRequest([[Attr.UserName, `u${any(4)}`], ...where, ...named], "s");
      table.accepted(request, responseTo(request, Code.AccessAccept, [], "s"), source);
    } else {
      const status = [AcctStatus.Start, AcctStatus.Interim, AcctStatus.Stop, AcctStatus.Start][
        any(4)
      ];
      const pairs: Pair[] = [[Attr.AcctStatusType, status ?? 1], ...where, id];
      table.accounted(accountingRequest(pairs, "s"), "10.0.0.1");
    }
    const all = [...table.list()];
    expect(all.map((session) => session.id)).toEqual(
      all.map((session) => session.id).sort((a, b) => a - b),
    );
    for (let one = 0; one < 4; one++) {
      const ids = (found: Iterable<{ id: number }>) =>
        [...found].map((session) => session.id).sort();
      expect(ids(table.ofUser(`u${one}`))).toEqual(
        ids(all.filter(({ userName }) => userName === `u${one}`)),
      );
      expect(ids(table.withAcctSessionId(`s${one}`))).toEqual(
        ids(all.filter(({ acctSessionId }) => acctSessionId === `s${one}`)),
      );
    }
  }
  expect(table.twice).toBeGreaterThan(0);
});
