/** The verbs that talk to evpnd, against its HTTP door with a fake speaker behind. */
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openHttpDoor } from "../../src/api/index.js";
import type { HttpDoor } from "../../src/api/index.js";
import type { PeerView, RouteView, SpeakerSummary } from "../../src/bgp/control.js";
import type { PeerAnswer, RouteAnswer, SummaryAnswer } from "../../src/cli/wire.js";
import { Family } from "../../src/fast-bgp-codec/family.js";
import { silentLog } from "../../src/util/log.js";
import { FakeControl, peerView, routeView } from "../lib/fake-control.js";
import { evpnctl } from "./lib/host.js";

/** What the door answers is what evpnctl reads: this fails to compile when it is not. */
export const fits: [
  (view: SpeakerSummary) => SummaryAnswer,
  (view: PeerView) => PeerAnswer,
  (view: RouteView) => RouteAnswer,
] = [(view) => view, (view) => view, (view) => view];

let control: FakeControl;
let door: HttpDoor | undefined;
let url: string;

beforeEach(async () => {
  control = new FakeControl();
  const backend = {
    control,
    log: silentLog,
    reload: () => Promise.resolve({ ok: false, lines: ["x.yaml:1:1: wrong; correct it"] }),
    metrics: () => Promise.resolve({ contentType: "text/plain", text: "" }),
  };
  const listen = { address: "127.0.0.1", port: 0 };
  door = await openHttpDoor(backend, { listen, allowedHosts: [] });
  url = `http://${door?.address}`;
});
afterEach(() => door?.close());

const run = (words: string | string[]) => evpnctl(words, { url });

describe("tables", () => {
  test("show peers; what does not fit goes on below", async () => {
    control.peerViews = [
      peerView(),
      peerView({
        address: "2001:db8:ffff:ffff::1",
        as: 4200000001,
        kind: "non-client",
        state: "OpenConfirm",
        description: "a description that is much longer than there is room for on a line",
        lastError: "hold timer expired",
      }),
      peerView({ address: "10.0.0.3", adminDown: true, state: "Idle", description: "" }),
    ];
    const { code, out } = await run("show peers");
    expect(code).toBe(0);
    expect(out).toBe(
      [
        "Peer                       AS  Kind        State           Since  In  Out  Name",
        "10.0.0.1                65000  client      Established  00:01:40   2    1",
        "                                                                          leaf 1",
        "2001:db8:ffff:ffff::1",
        "                   4200000001  non-client  OpenConfirm  00:01:40   2    1",
        "              a description that is much longer than there is room for on a line",
        "10.0.0.3                65000  client      Shutdown     00:01:40   2    1  leaf1",
        "",
        "2001:db8:ffff:ffff::1: hold timer expired",
        "",
      ].join("\n"),
    );
  });

  test("fit 80 columns", async () => {
    for (const words of ["show peers", "show summary", "show peer 10.0.0.1", "show routes"]) {
      const { code, out } = await run(words);
      expect(code).toBe(0);
      for (const line of out.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
    }
  });

  test("no peer yet says what to do", async () => {
    control.peerViews = [];
    expect((await run("show peers")).out).toContain("README.md");
  });
});

describe("show peer", () => {
  test("in full", async () => {
    const { out } = await run("show peer 10.0.0.1");
    expect(out).toContain("State:        Established for 00:01:40, established once\n");
    expect(out).toContain("Security:     TCP MD5\n");
    expect(out).toContain("Faults:       treatAsWithdraw 1\n");
    expect(out).toContain("l2vpn-evpn         2           1  received\n");
  });

  test("advertised and received ask for that table", async () => {
    await run("show peer 10.0.0.1 advertised");
    await run("show peer 10.0.0.1 received");
    expect(control.calls.map(([, query]) => query)).toEqual([
      { table: "advertised", peer: "10.0.0.1", limit: 50 },
      { table: "received", peer: "10.0.0.1", limit: 50 },
    ]);
  });

  test("control characters of a peer do not reach the terminal", async () => {
    control.peerViews = [peerView({ hostName: "\u001b[2J", description: "", lastError: "\u009b" })];
    for (const words of ["show peers", "show peer 10.0.0.1", "show peers --json"]) {
      // eslint-disable-next-line no-control-regex
      expect((await run(words)).out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    }
  });
});

describe("show routes", () => {
  test("for people", async () => {
    control.routeViews = [routeView(1, { originator: "10.0.0.9" })];
    expect((await run("show routes")).out).toBe(
      "*> 2:10.0.0.1:100::0::52:54:00:00:00:01\n" +
        "     via 10.0.0.1 from 10.0.0.1 originator 10.0.0.9, 00:01:00\n" +
        "     rt:65000:100 vxlan; only route\n" +
        "1 route\n",
    );
  });

  test("what a MAC hangs on: VNIs or labels by the encapsulation, and the segment", async () => {
    const label = (vni24: number) => ({ raw: "", vni24, mpls20: vni24 >>> 4, bos: 0 });
    const nlri = { esi: "01aabbccddee01000700", label1: label(10100), label2: label(50000) };
    control.routeViews = [
      routeView(1, { nlri }),
      routeView(2, { nlri: { ...nlri, label2: null }, attributes: [] }),
    ];
    const { out } = await run("show routes");
    expect(out).toContain("via 10.0.0.1 vni 10100 vni 50000 from 10.0.0.1");
    expect(out).toContain("     esi 01aabbccddee01000700; rt:65000:100 vxlan; only route\n");
    expect(out).toContain("via 10.0.0.1 label 631 from 10.0.0.1");
  });

  test("filters reach the speaker", async () => {
    await run(
      "show routes --all --peer 10.0.0.1 --family l2vpn-evpn --type 2 --rd 1:1 --mac 52-54-00-00-00-01 --ip 10.1 --vni 100 --rt 1:2 --limit 7",
    );
    expect(control.calls[0]).toEqual([
      "routes",
      {
        table: "all",
        peer: "10.0.0.1",
        family: Family.Evpn,
        routeType: 2,
        rd: "1:1",
        mac: "52:54:00:00:00:01",
        ip: "10.1",
        vni: 100,
        rt: "1:2",
        limit: 7,
      },
    ]);
  });

  test("show evpn is the same of one family", async () => {
    await run("show evpn --type 3 --limit 7");
    expect(control.calls[0]).toEqual([
      "routes",
      { table: "best", family: Family.Evpn, routeType: 3, limit: 7 },
    ]);
  });

  test("--json is a line each, all of them", async () => {
    control.routeViews = Array.from({ length: 700 }, (_, index) => routeView(index));
    const { out } = await run("show routes --json");
    const lines = out.trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line) as object)).toEqual(control.routeViews);
  });
});

test("no line of show peer is longer than 80 columns", async () => {
  const capabilities = Array.from({ length: 12 }, (_, i) => `multiprotocol some-family-${i}`);
  const lastError = "the peer closed the connection before the session was up: ".repeat(3);
  control.peerViews = [peerView({ capabilities, lastError, state: "Idle" })];
  const { out } = await run("show peer 10.0.0.1");
  expect(out.split("\n").filter((line) => line.length > 80)).toEqual([]);
  expect(out).toContain("some-family-11");
});

describe("acting", () => {
  test("each verb calls the speaker", async () => {
    await run("clear peer 10.0.0.1 soft in --family l2vpn-evpn");
    await run("clear peer 10.0.0.1 soft out");
    await run("clear peer 10.0.0.1 in");
    await run(["clear", "peer", "10.0.0.1", "--text", "new cable"]);
    await run(["shutdown", "peer", "10.0.0.1", "--text", "until Monday"]);
    const { code, out } = await run("enable peer 10.0.0.1");
    expect([code, out]).toEqual([0, "enable of 10.0.0.1\n"]);
    expect(control.calls).toEqual([
      ["softClear", "10.0.0.1", "in", Family.Evpn],
      ["softClear", "10.0.0.1", "out", undefined],
      ["softClear", "10.0.0.1", "in", undefined],
      ["resetPeer", "10.0.0.1", "new cable"],
      ["shutdownPeer", "10.0.0.1", "until Monday"],
      ["enablePeer", "10.0.0.1"],
    ]);
  });

  test("audit tells by its exit code", async () => {
    expect(await run("audit")).toEqual({ code: 0, out: "clean\n", err: "" });
    control.findings = ["set 7 has 2 references, counted 3"];
    expect(await run("audit")).toEqual({
      code: 1,
      out: "set 7 has 2 references, counted 3\n",
      err: "",
    });
  });
});

describe("what goes wrong has a code and a sentence", () => {
  test("4: no such peer", async () => {
    expect(await run("show peer 10.9.9.9")).toEqual({
      code: 4,
      out: "",
      err: "evpnctl: no peer 10.9.9.9\n",
    });
  });

  test("2: a MAC that can be none", async () => {
    const { code, err } = await run("show routes --mac zz");
    expect(code).toBe(2);
    expect(err).toContain('"zz" is no MAC address and no part of one');
  });

  test("5: refused", async () => {
    const { code, err } = await run("reload");
    expect(code).toBe(5);
    expect(err).toContain("x.yaml:1:1: wrong; correct it");
  });

  test("3: the connection is accepted and closed at once", async () => {
    const full = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => void full.listen(0, "127.0.0.1", resolve));
    const there = `http://127.0.0.1:${(full.address() as AddressInfo).port}`;
    const { code, err } = await evpnctl("show peers", { url: there });
    expect(code).toBe(3);
    expect(err).toContain(`evpnd does not answer at ${there} (ECONNRESET)`);
    await new Promise((resolve) => full.close(resolve));
  });

  test("3: nobody there", async () => {
    await door?.close();
    const { code, err } = await run("show peers");
    expect(code).toBe(3);
    expect(err).toBe(
      `evpnctl: evpnd does not answer at ${url} (ECONNREFUSED); is it running? ` +
        "Start it with npm start, or say where it is with --url or EVPND_URL\n",
    );
  });

  test.each([
    ["show peer", "missing required argument 'address'"],
    ["show pears", "unknown command 'pears'"],
    ["show routes --type x", "It must be a whole number."],
    ["clear peer 10.0.0.1 soft", "say soft in (ask the peer) or soft out (send again)"],
    ["show peers --url ftp://x", "evpnd speaks http"],
  ])("2: %s", async (words, message) => {
    const { code, err } = await run(words);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });
});

test("config check works offline and tells by its exit code", async () => {
  expect(await evpnctl("config check conf/evpnd.yaml")).toEqual({
    code: 0,
    out: "conf/evpnd.yaml: usable\n",
    err: "",
  });
  const bad = await evpnctl("config check package.json");
  expect(bad.code).toBe(1);
  expect(bad.out).toContain('package.json:2:3: name: unknown key "name"');
  const json = await evpnctl("config check package.json --json");
  expect((JSON.parse(json.out) as { ok: boolean }).ok).toBe(false);
});
