/**
 * Random moves, losses, releases, rules and time: while quarantines are on, a route is held if and only if
 * it is not of the place that counts; when all is over, everybody has what they would have without.
 */
import { expect, it } from "vitest";
import { auditNow } from "../../../src/bgp/audit/index.js";
import { HoldReason } from "../../../src/bgp/rib/index.js";
import type { DuplicateAction } from "../../../src/fib/index.js";
import { Random } from "../../model/lib/random.js";
import { Rig, type Said } from "./lib/rig.js";

const MACS = ["02:00:00:00:00:01", "02:00:00:00:00:02", "06:00:00:00:00:01"];
const TARGETS = [["65000:100"], ["65000:100"], ["65000:200"], ["65000:100", "65000:200"]];
const ESIS = [undefined, undefined, undefined, "00112233445566778899"];
const IPS = [undefined, "10.1.0.1"];
const ACTIONS: readonly DuplicateAction[] = ["pin", "hold", "rate-limit"];
const MAC_IP = 2;
/** A session that has copies of all PEs' routes. */
const VIA = 7;

function rules(random: Random) {
  return {
    moves: 2 + random.below(3),
    seconds: 20 + random.below(60),
    action: random.pick([...ACTIONS, "none" as const]),
    releaseSeconds: random.pick([0, 5, 20]),
    rateSeconds: 1 + random.below(5),
    exemptMacs: [],
    exemptOuis: [],
  };
}

/**
 * Every MAC/IP path is held as the screen says, now. One that is not best, and is in other domains than the
 * best one, is looked at when it becomes best.
 */
function misheld(rig: Rig): string[] {
  const { table, policies } = rig.speaker.reflector;
  const out: string[] = [];
  for (let dest = 1; dest < table.destinationLimit; dest++) {
    if (!table.exists(dest) || table.routeType(dest) !== MAC_IP) continue;
    for (let path = table.firstPath(dest); path !== 0; path = table.nextPath(path)) {
      const { screen } = policies.engine;
      const wanted =
        screen?.holds(table.pathReceived(path), table.nlriBytes, table.pathNlri(path)) === true;
      const held = table.pathHold(path) === HoldReason.Duplicate;
      if (wanted && !held && path !== table.bestPath(dest)) continue;
      if (held !== wanted) out.push(`path ${path} of ${dest}: held ${held}, wanted ${wanted}`);
    }
  }
  return out;
}

function run(seed: number): number {
  const random = new Random(seed);
  const rig = new Rig({ duplicates: rules(random) });
  const receiver = rig.receiver();
  const several = rig.receiver({ takesPaths: 3 });
  const told = new Map<string, readonly [number, Said]>();
  let sequence = 0;
  let now = rig.settings;
  // Now and then by another session than the PE's own, as another reflector would have it.
  const say = (pe: number, said: Said): void => {
    const { via = pe } = said;
    const key = `${via} ${pe} ${said.mac} ${said.ip}`;
    rig.say(pe, said);
    if (said.withdraw === true) told.delete(key);
    else told.set(key, [pe, said]);
  };
  for (let step = 0; step < 150; step++) {
    random.weighted([
      [
        40,
        () => {
          const mac = random.pick(MACS);
          sequence += random.below(2);
          say(1 + random.below(3), {
            mac,
            ip: random.pick(IPS),
            sequence,
            ...(random.oneIn(6) && { via: VIA }),
            targets: random.pick(TARGETS),
            ...(random.pick(ESIS) !== undefined && { esi: ESIS[3]! }),
          });
        },
      ],
      [
        15,
        () => {
          const all = [...told.values()];
          if (all.length === 0) return;
          const [pe, { mac, ip, via = pe }] = random.pick(all);
          say(pe, { mac: mac!, ip, via, withdraw: true });
        },
      ],
      [
        2,
        () => {
          const session = random.pick([1, 2, 3, VIA]);
          rig.down(session);
          for (const key of told.keys()) if (key.startsWith(`${session} `)) told.delete(key);
        },
      ],
      [20, () => rig.pass(1 + random.below(4))],
      [
        3,
        () => {
          const { rows } = rig.fib.pages.list({}, 0, 10);
          if (rows.length === 0) return;
          const { id } = random.pick(rows);
          const action = random.pick(["pin", "hold", "rate-limit"] as const);
          rig.fib.change(() => rig.fib.desk.begin(id, action, random.pick([0, 10]), undefined));
        },
      ],
      [
        3,
        () => {
          const { rows } = rig.fib.desk.page(0, 100, 100);
          for (const row of rows) {
            const octets = row.mac.split(":").map((text) => parseInt(text, 16));
            const high = octets[0]! * 256 + octets[1]!;
            const low = octets.slice(2).reduce((sum, octet) => (sum << 8) | octet, 0);
            for (const id of rig.fib.desk.recordsOf(high, low, row.domain)) {
              rig.fib.change(() => rig.fib.duplicates.release(id));
            }
          }
        },
      ],
      [
        2,
        () => {
          // As a reload of policies does.
          const { policies } = rig.speaker.reflector;
          for (const peer of rig.speaker.reflector.livePeers()) policies.renewGate(peer);
        },
      ],
      [
        2,
        () => {
          now = { ...rig.settings, duplicates: rules(random) };
          rig.fib.configure(now);
        },
      ],
      [
        2,
        () => {
          // As a reload does that makes another FIB.
          const next = rig.attach(now);
          if (random.oneIn(2)) rig.run();
          while (next.read(1000));
          const saved = rig.fib.desk.save();
          rig.fib.close();
          rig.fib = next;
          next.quarantines.open(rig.holds);
          const over = next.change(() => next.desk.adopt(saved, false));
          expect(next.quarantines.count, `seed ${seed}, step ${step}`).toBe(
            saved.length - over.length,
          );
        },
      ],
    ])();
    if (random.oneIn(3)) {
      rig.run();
      expect(misheld(rig), `seed ${seed}, step ${step}`).toEqual([]);
    }
  }
  const { alarms } = rig.fib.duplicates;
  rig.run();
  expect(auditNow(rig.speaker.reflector.auditSubject())).toEqual([]);
  rig.fib.configure({
    ...rig.settings,
    duplicates: { ...rules(random), action: "none", releaseSeconds: 5 },
  });
  for (let id = 1; id < rig.fib.duplicates.records.limit; id++) {
    rig.fib.change(() => rig.fib.duplicates.release(id));
  }
  rig.run();
  expect(rig.fib.quarantines.count).toBe(0);
  expect(rig.held).toBe(0);
  expect(rig.speaker.reflector.policies.engine.screen).toBeUndefined();
  const fresh = new Rig();
  for (const [pe, said] of told.values()) fresh.say(pe, said);
  expect(receiver.content).toEqual(fresh.run().receiver().content);
  expect(several.content).toEqual(fresh.receiver({ takesPaths: 3 }).content);
  expect(auditNow(rig.speaker.reflector.auditSubject())).toEqual([]);
  for (const session of [1, 2, 3, VIA]) rig.down(session);
  rig.pass(400);
  expect(rig.fib.duplicates.isIdle).toBe(true);
  expect(rig.fib.tables.domains.count).toBe(0);
  expect(rig.fib.tables.pes.count).toBe(0);
  return alarms;
}

it("leaves the table as if nothing had been", () => {
  let alarms = 0;
  for (let seed = 1; seed <= 25; seed++) alarms += run(seed);
  expect(alarms).toBeGreaterThan(25);
});
