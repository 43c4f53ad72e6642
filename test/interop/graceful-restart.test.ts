/**
 * evpnd as graceful restart helper (RFC 4724, 8538, 9494): a GoBGP that is killed and comes back, and a
 * scripted speaker for what GoBGP does not do. The others see neither a withdrawal nor a repetition.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Evpnd } from "./lib/evpnd.js";
import { Frr, frrClient } from "./lib/frr.js";
import { Gobgp } from "./lib/gobgp.js";
import { Lab } from "./lib/lab.js";
import type { Capability } from "./lib/messages.js";
import {
  announce as announcement,
  announceMac,
  attribute,
  endOfRib,
  ip4,
  mac,
  macIp,
  multiprotocol,
  notification,
  rd,
  refresh,
  u16,
  u24,
  u32,
} from "./lib/messages.js";
import { SpeakerClient } from "./lib/speaker-client.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { waitFor, waitQuiet } from "./lib/wait.js";
import { EVPN, hex } from "./lib/wire.js";

const RR = "10.99.0.254";
const OBSERVER = "10.99.0.1";
const PLAIN = "10.99.0.2";
const SCRIPTED = "10.99.0.3";
/** Our end of the link to GoBGP, and its own: a link can be cut while GoBGP gets ready. */
const LINK = "10.98.0.1";
const GOBGP = "10.98.0.2";
/** They listen only. */
const FRR = "10.99.0.4";
const OTHER_GOBGP = "10.99.0.5";
const HTTP = 8080;
const MACS = 4;
const LLGR_STALE = "ffff0006";

interface Restart {
  readonly retention?: {
    readonly state: string;
    readonly families: readonly { phase: string; staleRoutes: number; secondsLeft: number }[];
  };
}

/** Code 64: flags and time, families with F. */
function restart(options: {
  time?: number;
  notification?: boolean;
  forwarding?: boolean;
}): Capability {
  const { time = 60, notification: n = false, forwarding = true } = options;
  return [64, u16((n ? 0x4000 : 0) | time) + "001946" + (forwarding ? "80" : "00")];
}

function longLived(seconds: number): Capability {
  return [71, `00194680${u24(seconds)}`];
}

const BASE: readonly Capability[] = [multiprotocol(EVPN), [2, ""], [70, ""], [65, u32(65000)]];

describeInterop("graceful restart helper", ["gobgp", "frr"], () => {
  let lab: Lab;
  let evpnd: Evpnd;
  let observer: SpeakerClient;
  let plain: SpeakerClient;
  let frr: Frr;
  let other: Gobgp;

  const up = (localAddress: string, ...more: readonly Capability[]): Promise<SpeakerClient> =>
    SpeakerClient.up({
      lab,
      label: "rr",
      localAddress,
      remoteAddress: RR,
      capabilities: [...BASE, ...more],
    });
  const nlri = (number: number): string =>
    macIp({ rd: rd(SCRIPTED, 1), mac: mac(3, number), label: 1 });
  const state = async (address: string): Promise<Restart["retention"]> =>
    (await evpnd.get<{ restart: Restart }>(`/v1/peers/${address}`)).restart.retention;
  /** UPDATEs that each of the others has received. */
  const heard = async (): Promise<readonly unknown[]> => [
    observer.table.updates,
    plain.table.updates,
    (await frr.neighbor(RR)).messageStats?.updatesRecv,
    await other.updatesReceived(),
  ];
  const othersHave = (routes: number): Promise<unknown> =>
    waitFor(`FRR and GoBGP to have ${String(routes)} routes`, async () => {
      const found = [(await frr.evpnRoutes()).size, (await other.rib("evpn")).size];
      if (found.some((size) => size !== routes)) throw new Error(`have ${String(found)}`);
      return true;
    });
  const waitGone = (address: string): Promise<unknown> =>
    waitFor(`nothing kept of ${address}`, async () => (await state(address)) === undefined);

  beforeAll(async () => {
    lab = new Lab();
    lab.namespace("rr", [`${OBSERVER}/16`]);
    lab.namespace("gb");
    lab.ip("rr", [`link add link0 type veth peer name link0 netns ${lab.name("gb")}`]);
    lab.ip("rr", [`addr add ${LINK}/30 dev link0`, "link set link0 up"]);
    lab.ip("gb", [`addr add ${GOBGP}/30 dev link0`, "link set link0 up"]);
    evpnd = await Evpnd.start({
      lab,
      label: "rr",
      address: RR,
      config: [
        "as: 65000",
        `router-id: ${RR}`,
        `listen: ["${RR}:179", "${LINK}:179"]`,
        "http:",
        `  listen: 127.0.0.1:${String(HTTP)}`,
        "peer-groups:",
        "  clients:",
        "    idle-hold: 0",
        "    graceful-restart:",
        "      long-lived: {enabled: true}",
        "dynamic-peers:",
        "  - {prefix: 10.99.0.0/24, group: clients}",
        // Called by evpnd: GoBGP itself takes seconds before it tries.
        "peers:",
        `  - {address: ${GOBGP}, group: clients, connect-retry: 1}`,
        "",
      ].join("\n"),
      http: HTTP,
    });
    observer = await up(OBSERVER, restart({ time: 0 }), longLived(0));
    plain = await up(PLAIN);
    [frr, other] = await Promise.all([
      Frr.start({
        lab,
        label: "rr",
        name: "frr",
        address: FRR,
        config: frrClient({ address: FRR, reflectors: [RR] }),
      }),
      Gobgp.start({
        lab,
        label: "rr",
        name: "listener",
        address: OTHER_GOBGP,
        neighbor: RR,
        families: ["l2vpn-evpn"],
        gracefulRestart: true,
        longLived: 60,
      }),
    ]);
    // GoBGP takes its time to connect; what it has is waited for where it matters.
    await frr.waitEstablished(RR);
  });
  afterAll(() => lab.close());
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  describe("GoBGP", () => {
    interface Terms {
      readonly restartTime: number;
      readonly longLived?: number;
      readonly notification?: boolean;
    }
    const start = (restarted: boolean, terms: Terms) =>
      Gobgp.start({
        lab,
        label: "gb",
        name: "gobgp",
        address: GOBGP,
        neighbor: LINK,
        families: ["l2vpn-evpn"],
        gracefulRestart: true,
        restarted,
        ...terms,
      });
    const add = async (gobgp: Gobgp): Promise<void> => {
      for (let number = 0; number < MACS; number += 1) {
        const last = number.toString(16).padStart(2, "0");
        await gobgp.addEvpn(
          `macadv 02:00:00:00:00:${last} 0.0.0.0 esi 0 etag 0 label 100 rd 65000:1 rt 65000:1 encap vxlan`,
        );
      }
    };

    test("killed and restarted, then resetting the session: the others see nothing of it", async () => {
      const terms = { restartTime: 120, notification: true };
      let gobgp = await start(false, terms);
      await gobgp.waitEstablished();
      await add(gobgp);
      for (const other of [observer, plain]) await other.waitSize(MACS);
      await waitQuiet("the observer's messages", () => observer.table.updates);
      await othersHave(MACS);
      const before = await heard();
      await gobgp.program.stop("SIGKILL");
      await waitFor("evpnd to notice", async () => (await state(GOBGP))?.state === "restarting");
      expect((await state(GOBGP))?.families[0]).toMatchObject({
        phase: "stale",
        staleRoutes: MACS,
      });
      // Nobody hears GoBGP before it has its routes again.
      lab.ip("rr", ["link set link0 down"]);
      gobgp = await start(true, terms);
      await add(gobgp);
      lab.ip("rr", ["link set link0 up"]);
      await gobgp.waitEstablished();
      await waitGone(GOBGP);
      await waitQuiet("the observer's messages", () => observer.table.updates);
      expect(await heard()).toEqual(before);
      await othersHave(MACS);
      expect(observer.table.size).toBe(MACS);
      // Notification mode: an administrative reset of GoBGP's keeps the routes as well.
      await gobgp.cli("neighbor", LINK, "reset");
      await waitFor("evpnd to notice", async () => (await state(GOBGP))?.state === "restarting");
      expect(await heard()).toEqual(before);
      await gobgp.program.stop("SIGKILL");
      lab.ip("rr", ["link set link0 down"]);
      const ended = await evpnd.request("POST", `/v1/peers/${GOBGP}/reset`, {});
      expect(ended.status).toBeLessThan(300);
      for (const other of [observer, plain]) await other.waitSize(0);
      lab.ip("rr", ["link set link0 up"]);
    }, 60_000);

    test("gone for longer: long-lived stale to those that know the mark, until it is back", async () => {
      const times = { restartTime: 1, longLived: 60 };
      let gobgp = await start(false, times);
      await gobgp.waitEstablished();
      await add(gobgp);
      for (const other of [observer, plain]) await other.waitSize(MACS);
      await gobgp.program.stop("SIGKILL");
      await plain.waitSize(0);
      await waitFor("the mark at GoBGP", async () => {
        const attributes = [...(await other.rib("evpn")).values()].flat().map(({ attrs }) => attrs);
        const text = JSON.stringify(attributes);
        if (text.split("4294901766").length - 1 !== MACS) throw new Error(text);
        return true;
      });
      // FRR has the capability.
      expect((await frr.evpnRoutes()).size).toBe(MACS);
      const marked = (): number =>
        observer.table.routes().filter(({ attributes }) => {
          return attributes.get(8)?.value.includes(LLGR_STALE) === true;
        }).length;
      await waitFor("the mark on every route", () => marked() === MACS);
      expect((await state(GOBGP))?.families[0]?.phase).toBe("long-lived");
      lab.ip("rr", ["link set link0 down"]);
      gobgp = await start(true, times);
      await add(gobgp);
      lab.ip("rr", ["link set link0 up"]);
      await gobgp.waitEstablished();
      await plain.waitSize(MACS);
      await waitFor("the mark to be gone", () => marked() === 0);
      expect(observer.table.size).toBe(MACS);
      // A hard end: GoBGP says Cease, and is not in notification mode.
      await gobgp.program.stop("SIGTERM");
      await evpnd.request("POST", `/v1/peers/${GOBGP}/reset`, {});
      await observer.waitSize(0);
    }, 60_000);
  });

  describe("a scripted speaker", () => {
    const announce = (client: SpeakerClient, ...numbers: readonly number[]): void => {
      for (const number of numbers) client.send(announceMac(SCRIPTED, 1, mac(3, number)));
    };

    test("notification mode: an ordinary NOTIFICATION keeps the routes, a hard reset does not", async () => {
      const capability = restart({ notification: true });
      let client = await up(SCRIPTED, capability);
      announce(client, 1, 2);
      client.send(endOfRib(EVPN));
      await observer.waitSize(2);
      const before = observer.table.updates;
      client.send(notification(6, 4));
      client.drop();
      await waitFor("evpnd to notice", async () => (await state(SCRIPTED))?.state === "restarting");
      client = await up(SCRIPTED, capability);
      announce(client, 1, 2);
      client.send(endOfRib(EVPN));
      await waitGone(SCRIPTED);
      expect(observer.table.updates).toBe(before);
      client.send(notification(6, 9, "0604"));
      await observer.waitSize(0);
      client.drop();
    });

    test("our own reset is a hard one there", async () => {
      const client = await up(SCRIPTED, restart({ notification: true }));
      announce(client, 1);
      await observer.waitSize(1);
      await evpnd.request("POST", `/v1/peers/${SCRIPTED}/reset`, {});
      expect(await client.waitNotification()).toMatch(/^06090604/);
      await observer.waitSize(0);
    });

    test("a second connection in place of a lost one: replaced without a word, nothing withdrawn", async () => {
      const first = await up(SCRIPTED, restart({}));
      announce(first, 1, 2);
      first.send(endOfRib(EVPN));
      await observer.waitSize(2);
      const before = observer.table.updates;
      const second = await up(SCRIPTED, restart({}));
      expect(await first.waitNotification()).toBe("");
      announce(second, 1);
      second.send(endOfRib(EVPN));
      await observer.waitNoRoute(EVPN, nlri(2));
      expect(observer.table.updates).toBe(before + 1);
      second.close();
      await observer.waitSize(0);
    });

    test("long-lived: a route with NO_LLGR goes, the other is marked", async () => {
      const client = await up(SCRIPTED, restart({ time: 1 }), longLived(60));
      const refuses = attribute(0xc0, 8, "ffff0007");
      const hop = ip4(SCRIPTED);
      client.send(announcement(EVPN, hop, nlri(1)), announcement(EVPN, hop, nlri(2), refuses));
      await observer.waitSize(2);
      client.drop();
      await observer.waitNoRoute(EVPN, nlri(2));
      await waitFor("the mark", () => {
        const communities = observer.table.get(EVPN, nlri(1))?.attributes.get(8)?.value;
        return communities === LLGR_STALE;
      });
      await plain.waitSize(0);
      const back = await up(SCRIPTED, restart({}), longLived(60));
      back.send(endOfRib(EVPN));
      await observer.waitSize(0);
      back.close();
    });

    test("a refresh in the middle of the return means nothing, one behind it does", async () => {
      const first = await up(SCRIPTED, restart({}));
      announce(first, 1, 2);
      first.send(endOfRib(EVPN));
      await observer.waitSize(2);
      const before = observer.table.updates;
      first.drop();
      await waitFor("evpnd to notice", async () => (await state(SCRIPTED))?.state === "restarting");
      const second = await up(SCRIPTED, restart({}));
      second.send(refresh(EVPN, 1));
      announce(second, 1);
      second.send(refresh(EVPN, 2));
      announce(second, 2);
      second.send(endOfRib(EVPN));
      await waitGone(SCRIPTED);
      expect(observer.table.updates).toBe(before);
      second.send(refresh(EVPN, 1), refresh(EVPN, 1));
      announce(second, 2);
      second.send(refresh(EVPN, 2));
      await observer.waitNoRoute(EVPN, nlri(1));
      expect(observer.table.updates).toBe(before + 1);
      second.close();
      await observer.waitSize(0);
    });

    test("a peer that is lost time and again costs the others nothing", async () => {
      const numbers = Array.from({ length: 200 }, (_, number) => number);
      let client = await up(SCRIPTED, restart({}));
      announce(client, ...numbers);
      client.send(endOfRib(EVPN));
      await observer.waitSize(numbers.length);
      await waitQuiet("the observer's messages", () => observer.table.updates);
      const before = observer.table.updates;
      for (let round = 0; round < 30; round += 1) {
        client.drop();
        client = await up(SCRIPTED, restart({}));
        announce(client, ...numbers);
        client.send(endOfRib(EVPN));
        await waitGone(SCRIPTED);
      }
      await waitQuiet("the observer's messages", () => observer.table.updates);
      expect(observer.table.updates).toBe(before);
      client.close();
      await observer.waitSize(0);
    });

    test("without the F bit the routes go as soon as it is back", async () => {
      const first = await up(SCRIPTED, restart({}));
      announce(first, 1, 2);
      await observer.waitSize(2);
      first.drop();
      await waitFor("evpnd to notice", async () => (await state(SCRIPTED))?.state === "restarting");
      const second = await up(SCRIPTED, restart({ forwarding: false }));
      await observer.waitSize(0);
      second.close();
    });

    test("the peer's restart time bounds the wait", async () => {
      const client = await up(SCRIPTED, restart({ time: 2 }));
      announce(client, 1);
      await observer.waitSize(1);
      const at = performance.now();
      client.drop();
      await observer.waitSize(0);
      expect(performance.now() - at).toBeGreaterThan(1_800);
    });
  });

  test("messages in hex show what evpnd offers: helper, notification mode, no family of its own", () => {
    const opened = hex(observer.opened ?? Buffer.alloc(0));
    expect(opened).toContain("40024000");
    // Long-lived: the family with time 0.
    expect(opened).toContain("470700194680000000");
  });

  test("FRR offers to help, and wants nothing of its own kept for EVPN", async () => {
    type View = { restart: { agreed?: { families: string[]; notification: boolean } } };
    const { agreed } = (await evpnd.get<View>(`/v1/peers/${FRR}`)).restart;
    expect(agreed?.families).toEqual([]);
    await frr.kill();
    await waitFor("evpnd to notice", async () => {
      const { status, body } = await evpnd.request("GET", `/v1/peers/${FRR}`);
      return status === 404 || !body.includes('"Established"');
    });
    expect(await state(FRR)).toBeUndefined();
  });
});
