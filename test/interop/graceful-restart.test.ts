/**
 * evpnd as graceful restart helper (RFC 4724, 8538, 9494): a GoBGP that is killed and comes back, and a
 * scripted speaker for what GoBGP does not do. The others see neither a withdrawal nor a repetition.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Evpnd } from "./lib/evpnd.js";
import { Gobgp } from "./lib/gobgp.js";
import { Lab } from "./lib/lab.js";
import type { Capability } from "./lib/messages.js";
import {
  announceMac,
  endOfRib,
  mac,
  macIp,
  multiprotocol,
  notification,
  rd,
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
const HTTP = 8080;
const MACS = 8;
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

describeInterop("graceful restart helper", ["gobgp"], () => {
  let lab: Lab;
  let evpnd: Evpnd;
  let observer: SpeakerClient;
  let plain: SpeakerClient;

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
        "  - {prefix: 10.98.0.0/24, group: clients}",
        "",
      ].join("\n"),
      http: HTTP,
    });
    observer = await up(OBSERVER, restart({ time: 0 }), longLived(0));
    plain = await up(PLAIN);
  });
  afterAll(() => lab.close());
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  describe("GoBGP", () => {
    const start = (restarted: boolean, times: { restartTime: number; longLived?: number }) =>
      Gobgp.start({
        lab,
        label: "gb",
        name: "gobgp",
        address: GOBGP,
        neighbor: LINK,
        families: ["l2vpn-evpn"],
        gracefulRestart: true,
        restarted,
        ...times,
      });
    const add = async (gobgp: Gobgp): Promise<void> => {
      for (let number = 0; number < MACS; number += 1) {
        const last = number.toString(16).padStart(2, "0");
        await gobgp.addEvpn(
          `macadv 02:00:00:00:00:${last} 0.0.0.0 esi 0 etag 0 label 100 rd 65000:1 rt 65000:1 encap vxlan`,
        );
      }
    };

    test("killed and restarted: the others see nothing of it", async () => {
      let gobgp = await start(false, { restartTime: 120 });
      await gobgp.waitEstablished();
      await add(gobgp);
      for (const other of [observer, plain]) await other.waitSize(MACS);
      await waitQuiet("the observer's messages", () => observer.table.updates);
      const [before, beforePlain] = [observer.table.updates, plain.table.updates];
      await gobgp.program.stop("SIGKILL");
      await waitFor("evpnd to notice", async () => (await state(GOBGP))?.state === "restarting");
      expect((await state(GOBGP))?.families[0]).toMatchObject({
        phase: "stale",
        staleRoutes: MACS,
      });
      // Nobody hears GoBGP before it has its routes again.
      lab.ip("rr", ["link set link0 down"]);
      gobgp = await start(true, { restartTime: 120 });
      await add(gobgp);
      lab.ip("rr", ["link set link0 up"]);
      await gobgp.waitEstablished();
      await waitGone(GOBGP);
      await waitQuiet("the observer's messages", () => observer.table.updates);
      expect([observer.table.updates, plain.table.updates]).toEqual([before, beforePlain]);
      expect(observer.table.size).toBe(MACS);
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
});
