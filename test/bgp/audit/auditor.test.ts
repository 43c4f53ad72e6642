/** Rounds at a share of a core, on demand in slices, and alarms that come once and go when all is well. */
import { expect, it } from "vitest";
import { Auditor } from "../../../src/bgp/audit/index.js";
import type { Log } from "../../../src/util/log.js";
import { FakeClock } from "../session/harness.js";
import { evpnUpdate, Speaker } from "../lib/speaker.js";
import { mac } from "../lib/tables.js";

const NOTHING = (): void => undefined;

function world(): {
  speaker: Speaker;
  auditor: Auditor;
  clock: FakeClock;
  lines: string[];
  soon: (() => void)[];
} {
  const speaker = new Speaker();
  const line = speaker.up();
  speaker.up();
  line.say(evpnUpdate(Array.from({ length: 200 }, (_, n) => mac(n + 1))));
  speaker.run();
  const clock = new FakeClock();
  const lines: string[] = [];
  const log: Log = {
    debug: NOTHING,
    warn: NOTHING,
    info: (_fields, message) => lines.push(message),
    error: (fields, message) => lines.push(`${message}: ${JSON.stringify(fields)}`),
  };
  const soon: (() => void)[] = [];
  const subject = speaker.reflector.auditSubject();
  // Each look at the clock takes a millisecond: a slice of 1 ms is a unit of work.
  const ticking = {
    now: () => clock.now() + looks++,
    wall: () => clock.wall(),
    setTimer: (ms: number, run: () => void) => clock.setTimer(ms, run),
  };
  let looks = 0;
  const auditor = new Auditor({ subject, clock: ticking, log, soon: (run) => soon.push(run) });
  return { speaker, auditor, clock, lines, soon };
}

it("goes round and round at its share of a core", () => {
  const { auditor, clock } = world();
  auditor.configure({ continuous: true, cpuPercent: 0.5 });
  const from = clock.now();
  while (auditor.status.rounds < 3) clock.advance(1000, NOTHING);
  const { spentMs, findings } = auditor.status;
  expect(findings).toEqual([]);
  expect(spentMs / (clock.now() - from)).toBeLessThan(0.006);
  auditor.stop();
  expect(clock.pendingTimers).toBe(0);
});

it("alarms once with the key, and says when it is over", () => {
  const { auditor, clock, speaker, lines } = world();
  const { table, out } = speaker.reflector;
  const [slot] = [...speaker.reflector.livePeers()].map((peer) => peer.slot).slice(1);
  let dest = 1;
  while (!out.hasSent(slot!, dest)) dest++;
  auditor.configure({ continuous: true, cpuPercent: 0.5 });
  const before = out.sent.read(0, dest);
  out.sent.write(0, dest, table.family(dest), before, before & ~(1 << slot!));
  while (auditor.status.rounds < 3) clock.advance(1000, NOTHING);
  expect(lines).toEqual([
    expect.stringMatching(/tables do not agree.*2:65000:1::0::00:00:00:00:00:.. .*|lacks it/),
  ]);
  expect(auditor.status.findings).toHaveLength(1);
  expect(auditor.stats()).toMatchObject({ audit_findings: 1, audit_findings_total: 1 });

  out.sent.write(0, dest, table.family(dest), before & ~(1 << slot!), before);
  while (auditor.status.rounds < 6) clock.advance(1000, NOTHING);
  expect(lines.slice(1)).toEqual(["audit: no longer found"]);
  expect(auditor.stats()).toMatchObject({ audit_findings: 0, audit_findings_total: 1 });
});

it("is asked, and answers in slices; who asks meanwhile gets the same answer", async () => {
  const { auditor, soon } = world();
  const first = auditor.run();
  const second = auditor.run();
  let turns = 0;
  for (let run = soon.shift(); run !== undefined; run = soon.shift(), turns++) run();
  expect(await first).toEqual([]);
  expect(second).toBe(first);
  expect(turns).toBeGreaterThan(2);
});

it("does nothing unless told to", () => {
  const { auditor, clock } = world();
  auditor.configure({ continuous: false, cpuPercent: 0.5 });
  clock.advance(600_000, NOTHING);
  expect(auditor.status).toMatchObject({ continuous: false, rounds: 0, spentMs: 0 });
});
