/** MACs compared with sessions: what is found when, and what is done about it. */
import { describe, expect, test } from "vitest";
import { FibEventKind, LocalLint, LocalQuarantineControl } from "../../../src/fib/index.js";
import { MAC } from "../quarantine/lib/rig.js";
import { AP2, Compared, DOMAIN, session } from "./lib.js";

const ENDED = { state: "ended" } as const;
const kinds = (compared: Compared) =>
  compared.rig
    .news()
    .map(({ kind }) => kind)
    .filter((kind) => kind >= FibEventKind.SessionAlarm);

describe("a MAC without a session", () => {
  test("RAD-07: is an alarm after ten seconds of grace, until its session begins", () => {
    const compared = new Compared().known();
    compared.rig.say(1).run();
    compared.pass(9);
    expect(compared.states).toEqual([`${MAC} without-session grace`]);
    expect(kinds(compared)).toEqual([]);
    compared.pass(4);
    expect(compared.states).toEqual([`${MAC} without-session alarm`]);
    expect(kinds(compared)).toEqual([FibEventKind.SessionAlarm]);
    expect(compared.log.text).toContain("warn MAC without a subscriber's session");
    compared.pass(60);
    expect(kinds(compared)).toEqual([]);
    expect(compared.check.alarms).toBe(1);
    compared.item(session()).pass(3);
    expect(compared.states).toEqual([]);
    expect(kinds(compared)).toEqual([FibEventKind.SessionAlarmEnded]);
    expect(compared.log.text).toContain("info MAC and session agree again");
  });

  test("RAD-07: whose session comes within the grace is none", () => {
    const compared = new Compared().known();
    compared.rig.say(1).run();
    compared.pass(5).item(session()).pass(30);
    expect(compared.states).toEqual([]);
    expect(compared.log.lines).toEqual([]);
  });

  test("is reported and nothing else, unless its domain asks for more", () => {
    const compared = new Compared().known();
    const receiver = compared.rig.receiver();
    compared.rig.say(1).run();
    compared.pass(30);
    expect(receiver.routes.size).toBe(1);
    expect(compared.rig.held).toBe(0);
  });

  test("loses its routes where the domain rejects, and has them again with its session", () => {
    const compared = new Compared({ action: "reject" }).known();
    const receiver = compared.rig.receiver();
    compared.rig.say(1).say(2).run();
    compared.pass(9);
    expect(receiver.routes.size).toBe(2);
    compared.pass(5);
    expect(receiver.routes.size).toBe(0);
    expect(compared.rig.held).toBe(2);
    expect(compared.states).toEqual([`${MAC} without-session held`]);
    compared.pass(120);
    expect(compared.rig.held).toBe(2);
    compared.item(session()).pass(3);
    expect(receiver.hops).toHaveLength(2);
    expect(compared.rig.held).toBe(0);
  });

  test("counts only where it was, where the domain quarantines", () => {
    const compared = new Compared({ action: "quarantine" }).known();
    const receiver = compared.rig.receiver();
    compared.rig.say(1).run();
    compared.pass(13);
    compared.rig.say(2, { sequence: 1 }).run();
    compared.pass(3);
    expect(compared.rig.held).toBe(1);
    expect(receiver.hops).toEqual(["0a000001"]);
  });

  test("is over when nobody announces it any more, held or not", () => {
    for (const action of ["report", "reject", "quarantine"] as const) {
      const compared = new Compared({ action }).known();
      compared.rig.say(1).run();
      compared.pass(20);
      expect(compared.states).toHaveLength(1);
      compared.rig.say(1, { withdraw: true }).run();
      compared.pass(20);
      expect(compared.states).toEqual([]);
      expect(kinds(compared)).toEqual([FibEventKind.SessionAlarm, FibEventKind.SessionAlarmEnded]);
    }
  });

  test("has no new grace each time that it comes and goes", () => {
    const compared = new Compared({ action: "reject" }).known();
    for (let n = 0; n < 3; n++) {
      compared.rig.say(1).run();
      compared.pass(4);
      compared.rig.say(1, { withdraw: true }).run();
      compared.pass(4);
    }
    compared.rig.say(1).run();
    compared.pass(2);
    expect(compared.rig.held).toBe(1);
    expect(compared.check.alarms).toBe(1);
  });

  test("that an operator lets go is not held again", async () => {
    const compared = new Compared({ action: "reject" }).known();
    compared.rig.say(1).run();
    compared.pass(20);
    await new LocalQuarantineControl(compared.rig.fib).release(MAC);
    compared.pass(60);
    expect(compared.rig.held).toBe(0);
    expect(compared.states).toEqual([`${MAC} without-session alarm`]);
  });

  test("is none when it is exempt, a gateway's, or the domain does not ask", () => {
    for (const over of [
      { exemptMacs: [MAC] },
      { exemptOuis: [MAC.slice(0, 8)] },
      { requireSession: false },
      { domain: "65000:200" },
    ]) {
      const compared = new Compared(over).known();
      compared.rig.say(1).run();
      compared.pass(30);
      expect(compared.states).toEqual([]);
    }
  });
});

describe("a MAC away from its session", () => {
  test("RAD-16: is an alarm that says where it belongs; without a map nothing is away", () => {
    const compared = new Compared().known(session({ accessPoint: AP2 }));
    compared.rig.say(1).run();
    compared.pass(13);
    expect([...compared.check.findings()]).toMatchObject([
      { kind: "away", state: "alarm", pe: "10.0.0.1", session: { expected: { pe: "10.0.0.2" } } },
    ]);
    expect(compared.log.text).toContain("MAC away from its session");
    const unmapped = new Compared({}, []).known(session({ accessPoint: AP2 }));
    unmapped.rig.say(1).run();
    unmapped.pass(30);
    expect(unmapped.states).toEqual([]);
  });

  test("RAD-72: a session that roamed moves what is expected with it", () => {
    const compared = new Compared().known(session());
    compared.rig.say(1).run();
    compared.pass(20);
    compared.item(session({ ...ENDED, reason: "roam" })).item(session({ accessPoint: AP2 }));
    compared.pass(5);
    expect(compared.states).toEqual([`${MAC} away grace`]);
    compared.rig.say(2, { sequence: 1 }).run();
    compared.pass(20);
    expect(compared.states).toEqual([]);
    expect(compared.check.alarms).toBe(0);
  });

  test("counts only where its session is, where the domain asks for that", () => {
    for (const action of ["quarantine", "reject"] as const) {
      const compared = new Compared({ action }).known(session());
      const receiver = compared.rig.receiver();
      compared.rig.say(1).run();
      compared.pass(20);
      // Somebody else takes the MAC away, and the old place keeps its route.
      compared.rig.say(2, { sequence: 5 }).run();
      compared.pass(9);
      expect(compared.rig.held).toBe(0);
      compared.pass(5);
      expect(compared.states).toEqual([`${MAC} away held`]);
      expect(receiver.hops).toEqual(["0a000001"]);
      compared.pass(60);
      expect(receiver.hops).toEqual(["0a000001"]);
      // The thief gives up.
      compared.rig.say(2, { withdraw: true }).run();
      compared.pass(5);
      expect(compared.states).toEqual([]);
      expect(compared.rig.held).toBe(0);
    }
  });

  test("is let down although its claim is the better one of two equals", () => {
    const compared = new Compared({ action: "reject" }).known(session({ accessPoint: AP2 }));
    const receiver = compared.rig.receiver();
    compared.rig.say(2).run();
    compared.pass(20);
    compared.rig.say(1).run();
    compared.pass(20);
    expect(compared.states).toEqual([`${MAC} away held`]);
    expect(receiver.hops).toEqual(["0a000002"]);
    const [entry] = compared.rig.fib.pages.list({}, 0, 10).rows;
    expect(entry?.pe).toBe("10.0.0.2");
  });

  test("belongs to an Ethernet segment, where the map says so", () => {
    const esi = "00:11:22:33:44:55:66:77:88:99";
    const places = [{ id: AP2, pe: undefined, esi }];
    const compared = new Compared({ action: "quarantine" }, places);
    compared.known(session({ accessPoint: AP2 }));
    const receiver = compared.rig.receiver();
    compared.rig.say(1, { esi: esi.replaceAll(":", "") }).run();
    compared.pass(20);
    expect(compared.states).toEqual([]);
    compared.rig.say(3, { sequence: 9 }).run();
    compared.pass(20);
    expect(compared.states).toEqual([`${MAC} away held`]);
    expect(receiver.hops).toEqual(["0a000001"]);
  });
});

describe("sessions", () => {
  test("RAD-14: one that ended for silence takes nothing away; any other end does", () => {
    const compared = new Compared({ action: "reject" }).known(session());
    compared.rig.say(1).run();
    compared.pass(20);
    compared.item(session({ ...ENDED, reason: "idle" })).pass(600);
    expect(compared.states).toEqual([]);
    compared.item(session()).pass(5);
    compared.item(session({ ...ENDED, reason: "stop" })).pass(20);
    expect(compared.states).toEqual([`${MAC} without-session held`]);
  });

  test("RAD-72: of two with the same MAC either place is in order, a third one is not", () => {
    const key = `default ${MAC} elsewhere`;
    const eve = { key, userName: "eve", accessPoint: AP2 };
    const compared = new Compared({ action: "quarantine" }).known(session(), session(eve));
    compared.rig.say(1).run();
    compared.pass(20);
    compared.rig.say(2, { sequence: 1 }).run();
    compared.pass(20);
    expect(compared.states).toEqual([]);
    compared.rig.say(3, { sequence: 2 }).run();
    compared.pass(20);
    expect(compared.states).toEqual([`${MAC} away held`]);
    // The one that is left says where it belongs; silence of either excuses, whichever it was.
    compared.item(session({ ...eve, state: "ended", reason: "idle" }));
    compared.item(session({ ...ENDED, reason: "stop" })).pass(20);
    expect(compared.states).toEqual([`${MAC} without-session held`]);
  });

  test("RAD-14: the last of two that falls silent takes nothing away either", () => {
    const eve = { key: `default ${MAC} elsewhere`, userName: "eve" };
    const compared = new Compared({ action: "reject" }).known(session(), session(eve));
    compared.rig.say(1).run();
    compared.item(session({ ...ENDED, reason: "stop" }));
    compared.item(session({ ...eve, state: "ended", reason: "idle" })).pass(600);
    expect(compared.states).toEqual([]);
  });

  test("RAD-73: belong to a domain by tenant and VLAN", () => {
    const compared = new Compared({ vlan: "100" }).known(session({ vlan: "200" }));
    compared.rig.say(1).run();
    compared.pass(20);
    expect(compared.states).toEqual([`${MAC} without-session alarm`]);
    compared.item(session({ vlan: "100" })).pass(5);
    expect(compared.states).toEqual([]);
    compared.item(session({ vlan: "100", ...ENDED, reason: "stop" }));
    compared.item(session({ vlan: "100", tenant: "other" })).pass(20);
    expect(compared.states).toEqual([`${MAC} without-session alarm`]);
  });

  test("RAD-66: nothing new is found while they are not known, and nothing held is let go", () => {
    const compared = new Compared({ action: "reject" });
    compared.rig.say(1).run();
    compared.pass(60);
    expect(compared.states).toEqual([]);
    compared.known().pass(20);
    expect(compared.rig.held).toBe(1);
    // The relay restarts: until its snapshot is complete the last word holds.
    compared.tell({ kind: "reset" }).item(session()).pass(30);
    expect(compared.rig.held).toBe(1);
    compared.tell({ kind: "sync" }).pass(5);
    expect(compared.rig.held).toBe(0);
  });

  test("what was held before a restart of ours is taken up again, and ends with its session", () => {
    const compared = new Compared({ action: "reject" }).known();
    compared.rig.say(1).run();
    compared.pass(20);
    expect(compared.rig.held).toBe(1);
    compared.restart().pass(30);
    expect(compared.rig.held).toBe(1);
    compared.known().pass(30);
    expect(compared.states).toEqual([`${MAC} without-session held`]);
    compared.item(session()).pass(5);
    expect(compared.rig.held).toBe(0);
  });

  test("RAD-20: other settings are in force at once: what no rule holds is let go", () => {
    const compared = new Compared({ action: "reject" }).known();
    compared.rig.say(1).run();
    compared.pass(20);
    compared.configure({ action: "report" }).pass(1);
    expect(compared.rig.held).toBe(0);
    compared.check.configure(undefined);
    compared.pass(60);
    expect(compared.states).toEqual([]);
  });
});

test("the fabric check has a finding for each, with the route behind it", async () => {
  const compared = new Compared().known();
  compared.rig.say(1).run();
  compared.pass(20);
  const { clock } = compared.rig.speaker;
  const lint = new LocalLint(() => compared.rig.fib, clock);
  const run = await lint.start({ rules: ["mac-without-session", "mac-away-from-session"] });
  clock.advance(100);
  const { findings } = await lint.next(run, 10, 0);
  expect(findings).toMatchObject([
    { rule: "mac-without-session", subject: `${MAC} in ${DOMAIN}`, count: 1 },
  ]);
  expect(findings[0]?.routes[0]?.pe).toBe("10.0.0.1");
});
