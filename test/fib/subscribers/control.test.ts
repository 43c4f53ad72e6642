/** Subscribers and their MACs for the API: who a MAC is there by, findings by pages, counts. */
import { describe, expect, test } from "vitest";
import { LocalSubscriberControl } from "../../../src/fib/index.js";
import { FindingBook, MOST_FOUND } from "../../../src/fib/subscribers/finding-book.js";
import { SubscriberSessions } from "../../../src/fib/subscribers/sessions.js";
import { MAC } from "../quarantine/lib/rig.js";
import { AP2, Compared, DOMAIN, session } from "./lib.js";

const macOf = (n: number) => `02:00:00:00:00:${n.toString(16).padStart(2, "0")}`;

describe("the control", () => {
  test("RAD-07: a MAC has its session, and what is wrong with it", async () => {
    const compared = new Compared().known(session({ accessPoint: AP2, vlan: "7" }));
    const control = new LocalSubscriberControl(compared.check);
    compared.rig.say(1).run();
    compared.pass(20);
    const [of, nobody] = await control.ofMacs([
      { domain: DOMAIN, mac: MAC },
      { domain: DOMAIN, mac: macOf(9) },
    ]);
    expect(of).toMatchObject({
      sessions: [{ userName: "bob", tenant: "default", vlan: "7", expected: { pe: "10.0.0.2" } }],
      finding: { kind: "away", state: "alarm" },
    });
    expect(nobody).toEqual({ sessions: [], finding: undefined });
  });

  test("findings by pages, by domain and kind; counts of those that were told", async () => {
    const compared = new Compared().known(session({ accessPoint: AP2 }));
    const control = new LocalSubscriberControl(compared.check);
    for (let n = 1; n <= 5; n++) compared.rig.say(1, { mac: macOf(n) }).run();
    compared.pass(20);
    const first = await control.findings({ limit: 2 });
    expect(first.rows).toHaveLength(2);
    const second = await control.findings({ limit: 10, cursor: first.next });
    expect(second.next).toBeUndefined();
    const all = [...first.rows, ...second.rows].map(({ mac }) => mac).sort();
    expect(all).toEqual([1, 2, 3, 4, 5].map(macOf));
    expect((await control.findings({ kind: "away" })).rows).toHaveLength(1);
    expect((await control.findings({ domain: "elsewhere" })).rows).toEqual([]);
    await expect(control.findings({ cursor: "x" })).rejects.toMatchObject({ code: "invalid" });
    expect(await control.stats()).toMatchObject({
      known: true,
      sessions: 1,
      alarms: 5,
      domains: [{ domain: DOMAIN, withoutSession: 4, away: 1, held: 0 }],
    });
  });
});

describe("sessions by the contract", () => {
  test("a snapshot takes away what it does not name; saying twice does no harm", () => {
    const sessions = new SubscriberSessions();
    const one = session({ mac: macOf(1) });
    const two = session({ mac: macOf(2) });
    sessions.apply([{ kind: "reset" }, { kind: "item", item: one }, { kind: "item", item: one }]);
    sessions.apply([{ kind: "item", item: two }, { kind: "sync" }]);
    expect(sessions.count).toBe(2);
    sessions.apply([{ kind: "reset" }, { kind: "item", item: { ...two } }]);
    expect(sessions).toMatchObject({ count: 2, isKnown: false });
    sessions.apply([{ kind: "sync" }]);
    expect(sessions).toMatchObject({ count: 1, isKnown: true });
    sessions.apply([{ kind: "gone", key: two.key, revision: 99 }]);
    expect(sessions.count).toBe(0);
  });

  test("an older word on a session than the one known changes nothing", () => {
    const sessions = new SubscriberSessions();
    const item = session({ revision: 7, vlan: "new" });
    sessions.apply([
      { kind: "item", item },
      { kind: "item", item: { ...item, revision: 6 } },
    ]);
    sessions.apply([{ kind: "item", item: { ...item, revision: 5, state: "ended" } }]);
    expect(sessions.of(0x02_00_00_00_00_01)).toEqual([item]);
  });

  test("RAD-14: who ended for silence is remembered while announced, and for an hour after", () => {
    const sessions = new SubscriberSessions();
    const mac = 0x02_00_00_00_00_01;
    const idle = session({ state: "ended", reason: "idle" });
    sessions.apply([{ kind: "item", item: idle }]);
    const look = (isGone: boolean, now: number) => {
      sessions.forgetIdle(() => isGone, now, 10);
      return sessions.wasIdle(mac, "default");
    };
    expect(look(true, 0)).toBe(true);
    // It comes back, goes, and stays away.
    expect(look(false, 4_000_000)).toBe(true);
    expect(look(true, 5_000_000)).toBe(true);
    expect(look(true, 8_000_000)).toBe(true);
    expect(look(true, 9_000_000)).toBe(false);
  });

  test("RAD-71: what is no MAC is a session, and no MAC of the fabric", () => {
    const sessions = new SubscriberSessions();
    sessions.apply([{ kind: "item", item: session({ mac: "modem-17" }) }]);
    expect(sessions.count).toBe(1);
  });
});

test("there is an end to what is remembered", () => {
  const book = new FindingBook();
  const finding = {
    domain: DOMAIN,
    kind: "away",
    action: "report",
    pe: "",
    esi: undefined,
    since: 0,
    wall: 0,
    session: undefined,
  } as const;
  for (let n = 0; n < MOST_FOUND + 5; n++) book.add({ ...finding, mac: String(n) });
  expect(book).toMatchObject({ size: MOST_FOUND, more: 5 });
});
