/** What a session says to each kind of wrong message, and what it tells the reflector. */
import { describe, expect, test } from "vitest";
import { capability } from "../../../src/fast-bgp-codec/capability.js";
import { encodeEndOfRib } from "../../../src/fast-bgp-codec/end-of-rib.js";
import { Family } from "../../../src/fast-bgp-codec/family.js";
import { resetFault, Severity } from "../../../src/fast-bgp-codec/fault.js";
import { frame } from "../../../src/fast-bgp-codec/header.js";
import { KEEPALIVE } from "../../../src/fast-bgp-codec/keepalive.js";
import { encodeNotification } from "../../../src/fast-bgp-codec/notification.js";
import { encodeOpen, type Open } from "../../../src/fast-bgp-codec/open.js";
import { encodeRouteRefresh } from "../../../src/fast-bgp-codec/route-refresh.js";
import type { PeerOptions } from "../../../src/bgp/settings.js";
import { Network, node, peer, RawPeer, settings, type Node } from "./harness.js";

const PEER = "10.0.0.2";

const OPEN: Open = {
  version: 4,
  myAs: 65000,
  holdTime: 90,
  bgpId: PEER,
  capabilities: [
    capability.multiprotocol(25, 70),
    capability.routeRefresh(),
    capability.enhancedRouteRefresh(),
    capability.fourOctetAs(65000),
  ],
};

interface Setup {
  network: Network;
  table: Node;
  raw: RawPeer;
}

function openSent(options: Partial<PeerOptions> = {}): Setup {
  const network = new Network();
  const table = node(
    network,
    "10.0.0.1",
    settings({ peers: [peer(PEER, { passive: true, ...options })] }),
  );
  table.table.start();
  const raw = new RawPeer(network, table, PEER);
  return { network, table, raw };
}

function openConfirm(options: Partial<PeerOptions> = {}, open: Partial<Open> = {}): Setup {
  const setup = openSent(options);
  setup.raw.send(encodeOpen({ ...OPEN, ...open }));
  return setup;
}

function established(options: Partial<PeerOptions> = {}, open: Partial<Open> = {}): Setup {
  const setup = openConfirm(options, open);
  setup.raw.send(KEEPALIVE);
  setup.raw.received();
  return setup;
}

const view = ({ table }: Setup): ReturnType<Node["table"]["view"]> => table.table.view(PEER);

test("our OPEN comes first, KEEPALIVE answers the peer's", () => {
  const { raw } = openConfirm();
  const messages = raw.received();
  expect(messages.map((hex) => hex.slice(0, 2))).toEqual(["01", "04"]);
});

describe("OPEN refused", () => {
  const evpn = capability.multiprotocol(25, 70);
  const as4 = capability.fourOctetAs(65000);
  const wrongVersion = encodeOpen(OPEN);
  wrongVersion[19] = 3;
  const parameter = frame(1, Buffer.from("04fde8005a0a00000203010100", "hex"));
  const cases: [string, Uint8Array, string][] = [
    ["version 3", wrongVersion, "2/1 0004"],
    [
      "another AS",
      encodeOpen({ ...OPEN, capabilities: [evpn, capability.fourOctetAs(65001)] }),
      "2/2",
    ],
    ["another AS in two octets", encodeOpen({ ...OPEN, myAs: 65001, capabilities: [evpn] }), "2/2"],
    ["AS 0", encodeOpen({ ...OPEN, myAs: 0, capabilities: [evpn] }), "2/2"],
    ["AS_TRANS as AS", encodeOpen({ ...OPEN, myAs: 23456, capabilities: [evpn] }), "2/2"],
    ["identifier 0", encodeOpen({ ...OPEN, bgpId: "0.0.0.0" }), "2/3"],
    ["our identifier", encodeOpen({ ...OPEN, bgpId: "10.0.0.1" }), "2/3"],
    ["unknown optional parameter", parameter, "2/4"],
    ["lengths that do not add up", frame(1, Buffer.from("04fde8005a0a00000205", "hex")), "2/0"],
    ["hold time 2", encodeOpen({ ...OPEN, holdTime: 2 }), "2/6"],
    [
      "no family of ours",
      encodeOpen({ ...OPEN, capabilities: [as4, capability.multiprotocol(1, 1)] }),
      "2/7 010400190046",
    ],
    ["no capabilities at all", encodeOpen({ ...OPEN, capabilities: [] }), "2/7 010400190046"],
    [
      "two roles",
      encodeOpen({ ...OPEN, capabilities: [evpn, capability.role(1), capability.role(2)] }),
      "2/11",
    ],
  ];
  test.each(cases)("%s", (_name, bytes, expected) => {
    const setup = openSent();
    setup.raw.send(bytes);
    expect(setup.raw.notification()).toBe(expected);
    expect(setup.raw.wire.eof).toBe(true);
    expect(view(setup)).toMatchObject({ state: "Idle" });
    expect(view(setup)?.lastError).toContain("sent NOTIFICATION");
    expect(setup.table.log.text).toContain(Buffer.from(bytes).toString("hex"));
    expect(setup.table.sink.events).toEqual([]);
  });
});

describe("header errors", () => {
  const broken = (change: (bytes: Uint8Array) => void): Uint8Array => {
    const bytes = Uint8Array.from(encodeEndOfRib(Family.Evpn));
    change(bytes);
    return bytes;
  };
  const cases: [string, Uint8Array, string | undefined][] = [
    ["marker", broken((bytes) => (bytes[3] = 0)), "1/1"],
    ["length 18", broken((bytes) => bytes.set([0, 18], 16)), "1/2 0012"],
    ["length beyond 4096", broken((bytes) => bytes.set([16, 1], 16)), "1/2 1001"],
    ["short UPDATE", broken((bytes) => bytes.set([0, 22], 16)), "1/2 0016"],
    ["KEEPALIVE of 20 octets", frame(4, new Uint8Array(1)), "1/2 0014"],
    ["type 9", broken((bytes) => (bytes[18] = 9)), "1/3 09"],
    ["NOTIFICATION of 20 octets gets no answer", frame(3, new Uint8Array(1)), undefined],
  ];
  test.each(cases)("%s", (_name, bytes, expected) => {
    const setup = established();
    setup.raw.send(bytes);
    expect(setup.raw.notification()).toBe(expected);
    expect(setup.raw.wire.eof).toBe(true);
    expect(setup.table.sink.kinds()).toEqual(["established", "closed"]);
  });

  test("a message is refused by its header, before its body is there", () => {
    const setup = established();
    setup.raw.send(broken((bytes) => bytes.set([255, 255], 16)).subarray(0, 19));
    expect(setup.raw.notification()).toBe("1/2 ffff");
  });

  test("65535 octets are fine when we said so", () => {
    const setup = established(
      { extendedMessage: true },
      { capabilities: [...OPEN.capabilities, capability.extendedMessage()] },
    );
    const update = frame(2, new Uint8Array(65535 - 19));
    setup.raw.send(update);
    expect(setup.table.sink.kinds()).toEqual(["established", "update"]);
    expect(setup.table.sink.events[0]?.session.negotiated).toMatchObject({
      maxMessageIn: 65535,
      maxMessageOut: 65535,
    });
  });
});

describe("messages out of place (RFC 6608)", () => {
  const refresh = encodeRouteRefresh(25, 70, 0);
  const update = encodeEndOfRib(Family.Evpn);
  const open = encodeOpen(OPEN);
  const cases: [string, (options?: Partial<PeerOptions>) => Setup, Uint8Array, string][] = [
    ["KEEPALIVE in OpenSent", openSent, KEEPALIVE, "5/1 04"],
    ["UPDATE in OpenSent", openSent, update, "5/1 02"],
    ["ROUTE-REFRESH in OpenSent", openSent, refresh, "5/1 05"],
    ["OPEN in OpenConfirm", openConfirm, open, "5/2 01"],
    ["UPDATE in OpenConfirm", openConfirm, update, "5/2 02"],
    ["ROUTE-REFRESH in OpenConfirm", openConfirm, refresh, "5/2 05"],
    ["OPEN in Established", established, open, "5/3 01"],
  ];
  test.each(cases)("%s", (_name, make, bytes, expected) => {
    const setup = make();
    setup.raw.send(bytes);
    expect(setup.raw.notification()).toBe(expected);
    expect(view(setup)?.lastError).toMatch(/received in state/);
  });

  test.each([openSent, openConfirm, established])(
    "a NOTIFICATION is never answered (%#)",
    (make) => {
      const setup = make();
      setup.raw.received();
      setup.raw.send(encodeNotification({ code: 6, subcode: 2, data: Buffer.from("\x03bye") }));
      expect(setup.raw.received()).toEqual([]);
      expect(view(setup)).toMatchObject({ state: "Idle" });
      expect(view(setup)?.lastError).toMatch(/the peer sent NOTIFICATION 6\/2.*bye/);
    },
  );
});

describe("UPDATE", () => {
  test("reaches the sink with the header, cut at any octet", () => {
    const update = Buffer.from(encodeEndOfRib(Family.Evpn));
    for (let cut = 1; cut < update.length; cut++) {
      const setup = established();
      setup.raw.send(update.subarray(0, cut));
      expect(setup.table.sink.kinds()).toEqual(["established"]);
      setup.raw.send(update.subarray(cut));
      expect(setup.table.sink.events[1]?.hex).toBe(update.toString("hex"));
    }
  });

  test("many at once, and the KEEPALIVE before them in the same octets", () => {
    const setup = openConfirm();
    const update = encodeEndOfRib(Family.Evpn);
    setup.raw.send(Buffer.concat([KEEPALIVE, update, update, KEEPALIVE, update]));
    expect(setup.table.sink.kinds()).toEqual(["established", "update", "update", "update"]);
    expect(view(setup)?.messages.in).toMatchObject({ open: 1, update: 3, keepalive: 2 });
  });

  test("a fault that resets is sent, logged in hex, and ends the session", () => {
    const setup = established();
    setup.table.sink.fault = resetFault(3, 1, "malformed attribute list", Uint8Array.of(7));
    const update = encodeEndOfRib(Family.Evpn);
    setup.raw.send(Buffer.concat([update, update]));
    expect(setup.raw.notification()).toBe("3/1 07");
    expect(setup.table.sink.kinds()).toEqual(["established", "update", "closed"]);
    expect(setup.table.sink.events[2]?.detail).toMatchObject({
      reason: "notification-sent",
      code: 3,
      subcode: 1,
    });
    expect(setup.table.log.text).toContain(Buffer.from(update).toString("hex"));
  });

  test("a weaker fault does not", () => {
    const setup = established();
    const fault = resetFault(3, 1, "weak");
    setup.table.sink.fault = { ...fault, severity: Severity.TreatAsWithdraw };
    setup.raw.send(encodeEndOfRib(Family.Evpn));
    expect(view(setup)?.state).toBe("Established");
  });

  test("a sink that resets in the middle hears nothing more", () => {
    const setup = established();
    const update = encodeEndOfRib(Family.Evpn);
    const { sink } = setup.table;
    const record = sink.update.bind(sink);
    sink.update = (session, ...rest) => {
      record(session, ...rest);
      session.reset(6, 1, new Uint8Array(0), "too many routes");
      expect(sink.kinds().at(-1)).toBe("closed");
      return undefined;
    };
    setup.raw.send(Buffer.concat([update, update]));
    expect(sink.kinds()).toEqual(["established", "update", "closed"]);
    expect(setup.raw.notification()).toBe("6/1");
  });
});

describe("ROUTE-REFRESH", () => {
  test.each([0, 1, 2])("subtype %i of a negotiated family is handed on", (subtype) => {
    const setup = established();
    setup.raw.send(encodeRouteRefresh(25, 70, subtype));
    expect(setup.table.sink.events[1]?.refresh).toEqual([Family.Evpn, subtype]);
  });

  test.each([
    ["family not negotiated", encodeRouteRefresh(1, 1, 0)],
    ["unknown family", encodeRouteRefresh(99, 99, 0)],
    ["unknown subtype", encodeRouteRefresh(25, 70, 3)],
    ["reserved subtype", encodeRouteRefresh(25, 70, 255)],
  ])("%s is ignored and logged", (_name, bytes) => {
    const setup = established();
    setup.raw.send(bytes);
    expect(setup.table.sink.kinds()).toEqual(["established"]);
    expect(view(setup)?.state).toBe("Established");
    expect(setup.table.log.text).toContain("ROUTE-REFRESH ignored");
  });

  test.each([1, 2])(
    "subtype %i with a wrong length costs the session (RFC 7313 section 5)",
    (subtype) => {
      const setup = established();
      const bytes = encodeRouteRefresh(25, 70, subtype, Uint8Array.of(1));
      setup.raw.send(bytes);
      expect(setup.raw.notification()).toBe(`7/1 ${Buffer.from(bytes).toString("hex")}`);
    },
  );
});

describe("hints", () => {
  test("a silent TCP names TTL security and passwords", () => {
    const setup = openSent();
    setup.network.advance(241_000);
    expect(setup.raw.notification()).toBe("4/0");
    expect(view(setup)?.lastError).toMatch(/no OPEN came within 240 s.*TTL security.*password/);
  });

  test("a peer that hangs up on our OPEN may not know us", () => {
    const setup = openSent();
    setup.raw.wire.destroy();
    setup.network.advance(0);
    expect(view(setup)).toMatchObject({ state: "Active" });
    expect(view(setup)?.lastError).toMatch(/is our address configured/);
  });
});

test("secrets never reach the log", () => {
  const setup = established({ password: "s3cret-key" });
  setup.table.table.reset(PEER, "text");
  setup.network.advance(10_000);
  expect(setup.table.log.text).not.toContain("s3cret");
  expect(JSON.stringify(setup.table.table.views())).not.toContain("s3cret");
});
