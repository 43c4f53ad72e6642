/** What a peer lacks compared with another: every reason in its words, counted, over pages. */
import { describe, expect, it } from "vitest";
import { ControlError } from "../../src/bgp/control.js";
import { PolicyControl } from "../../src/bgp/policy-control.js";
import type { LackPage, LackReason } from "../../src/bgp/policy-view.js";
import { PEER_POLICY_DEFAULTS } from "../../src/bgp/policy/rules/settings.js";
import { EVPN_ONLY, maskOf, type PeerSpec } from "../model/lib/peer.js";
import { Family } from "../../src/fast-bgp-codec/family.js";
import { evpnUpdate, Speaker, type Line } from "./lib/speaker.js";
import { attribute, EMPTY_PATH, mac, ORIGIN, PLAIN } from "./lib/tables.js";
import { rulesOf } from "./policy/rules/lib.js";

const RED = "0002fde800000064";
const BLUE = "0002fde8000000c8";
const withTarget = (target: string): string =>
  ORIGIN + EMPTY_PATH + attribute(5, 0x40, "00000064") + attribute(16, 0xc0, target);

class Fabric {
  readonly speaker = new Speaker();
  readonly source: Line;
  /** Takes everything. */
  readonly other: Line;

  constructor() {
    this.source = this.speaker.up();
    this.other = this.speaker.up();
    this.speaker.run();
  }

  peer(over: Partial<PeerSpec> = {}): Line {
    const line = this.speaker.up(over);
    this.speaker.run();
    return line;
  }

  says(line: Line, numbers: readonly number[], attributes = PLAIN): this {
    line.say(
      evpnUpdate(
        numbers.map((n) => mac(n)),
        attributes,
      ),
    );
    this.speaker.run();
    return this;
  }

  async page(peer: Line, cursor?: string, than = this.other): Promise<LackPage> {
    const { reflector } = this.speaker;
    const control = new PolicyControl(reflector, () => 0);
    const one = reflector.peer(peer.session.id);
    const two = reflector.peer(than.session.id)!;
    const asked = control.lacks(one, two, "it has no session: it is Active", cursor);
    this.speaker.run();
    return asked;
  }

  async reasons(peer: Line): Promise<readonly string[]> {
    const { rows, next } = await this.page(peer);
    expect(next).toBeUndefined();
    return rows.map(({ code, reason, routes }: LackReason) => `${routes} ${code}: ${reason}`);
  }
}

describe("what a peer lacks", () => {
  it("is nothing when it has the same", async () => {
    const fabric = new Fabric();
    fabric.says(fabric.source, [1, 2]);
    expect(await fabric.reasons(fabric.peer())).toEqual([]);
  });

  it("is told with routes as examples, its own among them", async () => {
    const fabric = new Fabric();
    const peer = fabric.peer();
    fabric.says(peer, [1, 2, 3, 4, 5, 6, 7]).says(fabric.source, [8]);
    const { rows, looked } = await fabric.page(peer);
    expect(rows).toMatchObject([{ code: "own", reason: "the route is its own", routes: 7 }]);
    expect(rows[0]?.examples).toHaveLength(5);
    expect(rows[0]?.examples[0]).toMatchObject({
      family: "l2vpn-evpn",
      from: peer.session.peerAddress,
    });
    expect(rows[0]?.examples[0]?.prefix).toContain("00:00:00:00:00:01");
    expect(looked).toBeGreaterThanOrEqual(8);
  });

  it("may be a family, a reflection rule, a route type or a community", async () => {
    const fabric = new Fabric();
    fabric.says(fabric.source, [1, 2]);
    const unicast = fabric.peer({ families: maskOf(Family.Ipv4Unicast) });
    expect(await fabric.reasons(unicast)).toEqual(["2 family: the session has not that family"]);
    const typed = fabric.peer({ typesOut: [3, 4] });
    expect(await fabric.reasons(typed)).toEqual([
      "2 route-type: evpn-types-out leaves its type out",
    ]);
    const ebgp = fabric.peer({ kind: "ebgp", as: 65010, acceptOut: false });
    expect(await fabric.reasons(ebgp)).toEqual(["2 ebgp: eBGP without ebgp-accept-out (RFC 8212)"]);
    const one = fabric.peer({ kind: "non-client" });
    const two = fabric.peer({ kind: "non-client" });
    fabric.says(one, [9]);
    expect(await fabric.reasons(two)).toEqual([
      "1 reflection: from a non-client to a non-client (RFC 4456)",
    ]);
  });

  it("may be a layer of route targets", async () => {
    const fabric = new Fabric();
    fabric.says(fabric.source, [1, 2], withTarget(RED)).says(fabric.source, [3], withTarget(BLUE));
    const listed = fabric.peer({ interest: { targets: [BLUE] } });
    expect(await fabric.reasons(listed)).toEqual([
      "2 route-targets: none of its route targets is in the peer's list (route-targets)",
    ]);
    const tenant = fabric.peer({ interest: { allowed: [RED] } });
    expect(await fabric.reasons(tenant)).toEqual([
      "1 tenant: none of its route targets is the peer's tenant's (allow-route-targets)",
    ]);
    const asking = fabric.peer({ families: EVPN_ONLY | maskOf(Family.RouteTarget) });
    expect(await fabric.reasons(asking)).toEqual([
      "3 route-targets: it has not asked for any of its route targets (memberships, RFC 4684)",
    ]);
  });

  it("may be a rule of its export policy, by number and name", async () => {
    const fabric = new Fabric();
    const { policies } = fabric.speaker.reflector;
    policies.configure(
      rulesOf(
        "- {name: no-red, match: {route-target: '65000:100'}, then: reject}\n- {then: accept}",
      ),
    );
    const peer = fabric.peer({ policy: { ...PEER_POLICY_DEFAULTS, exportPolicies: ["p"] } });
    fabric.says(fabric.source, [1, 2], withTarget(RED)).says(fabric.source, [3], withTarget(BLUE));
    expect(await fabric.reasons(peer)).toEqual([
      "2 export-policy: rejected by export policy: rule 1 (no-red) of p",
    ]);
  });

  it("may be a limit on routes sent", async () => {
    const fabric = new Fabric();
    const limit = {
      family: Family.Evpn,
      routeType: undefined,
      perVni: false,
      maximum: 2,
      warnAt: 0,
      action: "withhold",
    } as const;
    const peer = fabric.peer({ limits: { out: [limit] } });
    fabric.says(fabric.source, [1, 2, 3, 4, 5]);
    expect(await fabric.reasons(peer)).toEqual([
      "3 limit: the peer has as many routes as it may be sent (limits out)",
    ]);
  });

  it("may be that it does not read", async () => {
    const fabric = new Fabric();
    const peer = fabric.peer();
    peer.session.pendingBytes = 300 * 1024;
    fabric.says(fabric.source, [1]).says(fabric.source, [2]);
    expect(await fabric.reasons(peer)).toEqual([
      `2 not-read: the session does not read: ${300 * 1024} octets wait for it`,
    ]);
  });

  it("is everything while it has no session, in the words of what it is", async () => {
    const fabric = new Fabric();
    fabric.says(fabric.source, [1, 2]);
    const gone = fabric.peer();
    gone.down();
    fabric.speaker.run();
    expect(await fabric.reasons(gone)).toEqual(["2 other: it has no session: it is Active"]);
  });

  it("adds up over pages, and refuses a cursor that is none", async () => {
    const fabric = new Fabric();
    const peer = fabric.peer({ typesOut: [3] });
    const numbers = Array.from({ length: 60 }, (_, n) => n + 1);
    for (let n = 0; n < 60; n += 20) fabric.says(fabric.source, numbers.slice(n, n + 20));
    const first = await fabric.page(peer);
    const later = await fabric.page(peer, "31");
    expect(first.rows[0]?.routes).toBe(60);
    expect(later.rows[0]?.routes).toBe(30);
    await expect(fabric.page(peer, "x")).rejects.toThrow(ControlError);
  });
});
