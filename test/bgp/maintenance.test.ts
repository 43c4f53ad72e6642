/** Peers turn to other paths before a session goes down. */
import { describe, expect, it } from "vitest";
import type { MaintenanceOrder } from "../../src/bgp/control.js";
import { Maintenance } from "../../src/bgp/maintenance.js";
import { silentLog } from "../../src/util/log.js";
import { Code, find } from "../model/lib/attributes.js";
import { evpnUpdate, Speaker, type Line } from "./lib/speaker.js";
import { attribute, key, mac, PLAIN } from "./lib/tables.js";

const SHUTDOWN = "ffff0000";
const ORDER: MaintenanceOrder = { peers: "all", drainSeconds: 60, then: "nothing", text: "bye" };

function start() {
  const speaker = new Speaker();
  const { reflector } = speaker;
  const done: string[] = [];
  const maintenance = new Maintenance(
    {
      table: reflector.table,
      out: reflector.out,
      livePeers: () => reflector.livePeers(),
      wake: () => reflector.wake(),
      shutdownPeer: (address, text) => done.push(`shutdown ${address} ${text}`),
      enablePeer: (address) => done.push(`enable ${address}`),
    },
    speaker.clock,
    silentLog,
  );
  reflector.maintenance = maintenance;
  const source = speaker.up();
  source.say(evpnUpdate([mac(1), mac(2)]));
  const one = speaker.up();
  const two = speaker.up({ kind: "ebgp", as: 65010 });
  speaker.run();
  one.take();
  two.take();
  const after = (milliseconds: number): void => {
    for (let left = milliseconds; left > 0; left -= 1000) {
      speaker.run();
      speaker.clock.advance(Math.min(left, 1000));
    }
    speaker.run();
  };
  const stateOf = (line: Line): string | undefined =>
    maintenance.view().peers.find(({ peer }) => peer === line.session.peerAddress)?.state;
  return { speaker, maintenance, source, one, two, done, after, stateOf };
}

/** LOCAL_PREF and communities of each route that came. */
function marks(line: Line): Record<string, string> {
  const found: Record<string, string> = {};
  for (const received of line.take()) {
    if (received.kind !== "announce") continue;
    for (const route of received.routes) {
      const preference = find(received.attributes, Code.LocalPref) ?? "none";
      const communities = find(received.attributes, Code.Communities) ?? "none";
      found[route.key] = `${preference} ${communities}`;
    }
  }
  return found;
}

const both = (text: string) => ({ [key(mac(1))]: text, [key(mac(2))]: text });

describe("maintenance", () => {
  it("marks everything once more, without a withdrawal, and takes it back", () => {
    const { speaker, maintenance, one, two } = start();
    maintenance.begin(ORDER);
    speaker.run();
    expect(marks(one)).toEqual(both(`00000000 ${SHUTDOWN}`));
    expect(marks(two)).toEqual(both(`none ${SHUTDOWN}`));
    expect(maintenance.end("all")).toBe(true);
    speaker.run();
    expect(marks(one)).toEqual(both("00000064 none"));
    expect(marks(two)).toEqual(both("none none"));
    expect(maintenance.end("all")).toBe(false);
    expect(one.resets.concat(two.resets)).toEqual([]);
    expect(speaker.reflector.audit()).toEqual([]);
  });

  it("concerns the peers named alone, and changes that come later too", () => {
    const { speaker, maintenance, source, one, two } = start();
    maintenance.begin({ ...ORDER, peers: [one.session.peerAddress] });
    speaker.run();
    expect(marks(one)).toEqual(both(`00000000 ${SHUTDOWN}`));
    expect(marks(two)).toEqual({});
    source.say(evpnUpdate([mac(1)], PLAIN + attribute(8, 0xc0, "fde80001")));
    speaker.run();
    expect(marks(one)).toEqual({ [key(mac(1))]: `00000000 fde80001${SHUTDOWN}` });
    expect(marks(two)).toEqual({ [key(mac(1))]: "none fde80001" });
  });

  it("meets new sessions from their first route on", () => {
    const { speaker, maintenance } = start();
    maintenance.begin(ORDER);
    const late = speaker.up();
    speaker.run();
    expect(marks(late)).toEqual(both(`00000000 ${SHUTDOWN}`));
  });

  it("survives a change of the peer's other settings", () => {
    const { speaker, maintenance, two } = start();
    maintenance.begin(ORDER);
    speaker.run();
    two.take();
    const before = two.session.options;
    Object.assign(two.session, { options: { ...before, nextHopSelf: true } });
    speaker.reflector.reconfigured(two.session, before);
    speaker.run();
    expect(marks(two)).toEqual(both(`none ${SHUTDOWN}`));
  });

  it("is drained when the peer's TCP has all and the time given is over", () => {
    const { maintenance, one, stateOf, after, done } = start();
    let acknowledged = 999;
    Object.assign(one.session, { octets: () => ({ written: 1000, acknowledged }) });
    maintenance.begin(ORDER);
    after(10_000);
    expect(stateOf(one)).toBe("unacknowledged");
    expect(maintenance.view().drained).toBe(false);
    acknowledged = 1000;
    after(59_000);
    expect(stateOf(one)).toBe("draining");
    after(2_000);
    expect(stateOf(one)).toBe("drained");
    after(20_000);
    expect(maintenance.view().drained).toBe(true);
    expect(done).toEqual([]);
  });

  it("a peer that does not read is not marked before it does", () => {
    const { speaker, maintenance, one, stateOf, after } = start();
    one.session.block(300_000);
    maintenance.begin(ORDER);
    after(1_000);
    expect(stateOf(one)).toBe("marking");
    one.session.drain(0, false);
    speaker.reflector.drained(one.session);
    after(1_000);
    expect(stateOf(one)).toBe("draining");
  });

  it("shuts down who is drained, or stuck for long, and enables it at the end", () => {
    const { maintenance, source, one, two, done, after } = start();
    one.session.block(300_000);
    maintenance.begin({ ...ORDER, drainSeconds: 10, then: "shutdown" });
    after(12_000);
    const name = (line: Line): string => line.session.peerAddress;
    expect(done.sort()).toEqual([`shutdown ${name(source)} bye`, `shutdown ${name(two)} bye`]);
    after(300_000);
    expect(done).toContain(`shutdown ${name(one)} bye`);
    expect(maintenance.view().drained).toBe(true);
    done.length = 0;
    maintenance.end("all");
    expect(done.sort()).toEqual([source, one, two].map((line) => `enable ${name(line)}`).sort());
    expect(maintenance.view()).toMatchObject({ active: false, peers: [] });
  });

  it("forgets a session that ends, and keeps the order for the next", () => {
    const { speaker, maintenance, one, stateOf } = start();
    maintenance.begin({ ...ORDER, peers: [one.session.peerAddress] });
    one.down();
    speaker.run();
    expect(stateOf(one)).toBeUndefined();
    expect(maintenance.view()).toMatchObject({ active: true, named: [one.session.peerAddress] });
  });
});
