/**
 * Two evpnds: one is the client of the other, is killed and comes back, with what it remembers and without.
 * Who listens at the other one hears nothing in the first case, and a withdrawal in the second.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Evpnd } from "./lib/evpnd.js";
import { Gobgp } from "./lib/gobgp.js";
import { Lab } from "./lib/lab.js";
import type { Capability } from "./lib/messages.js";
import { announceMac, endOfRib, mac, multiprotocol, u16, u24, u32 } from "./lib/messages.js";
import { SpeakerClient } from "./lib/speaker-client.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { waitFor, waitQuiet } from "./lib/wait.js";
import { EVPN } from "./lib/wire.js";

/** The one that stays, and the one that restarts. */
const STAYS = "10.99.0.254";
const RESTARTS = "10.98.0.254";
const OBSERVER = "10.99.0.1";
const GOBGP = "10.99.0.2";
const SOURCE = "10.98.0.1";
/** The port of STAYS; of RESTARTS it is one more. */
const HTTP = 8080;
const MACS = 20;
const LLGR_STALE = "ffff0006";

describeInterop("evpnd as the restarting client of evpnd", ["gobgp"], () => {
  let lab: Lab;
  let stays: Evpnd;
  let restarts: Evpnd;
  let config: string;
  let observer: SpeakerClient;
  let gobgp: Gobgp;
  let source: SpeakerClient;

  const startRestarting = (): Promise<Evpnd> =>
    Evpnd.start({
      lab,
      label: "lo",
      name: "restarts",
      address: RESTARTS,
      http: HTTP + 1,
      extra: ["--config", config],
    });
  const up = (localAddress: string, remoteAddress: string): Promise<SpeakerClient> => {
    const capabilities: Capability[] = [
      multiprotocol(EVPN),
      [2, ""],
      [65, u32(65000)],
      [64, `${u16(120)}00194680`],
      [71, `00194680${u24(60)}`],
    ];
    return SpeakerClient.up({ lab, label: "lo", localAddress, remoteAddress, capabilities });
  };
  async function sourceUp(): Promise<void> {
    source = await up(SOURCE, RESTARTS);
    for (let number = 0; number < MACS; number++) {
      source.send(announceMac(SOURCE, 1, mac(1, number)));
    }
    source.send(endOfRib(EVPN));
  }
  const kept = async (): Promise<string | undefined> => {
    const path = `/v1/peers/${RESTARTS}`;
    type View = { restart: { retention?: { state: string } } };
    return (await stays.get<View>(path)).restart.retention?.state;
  };
  const heard = async (): Promise<readonly number[]> => [
    observer.table.updates,
    await gobgp.updatesReceived(),
  ];
  const remembered = (): Promise<unknown> =>
    waitFor("the state file", async () => {
      const text = await lab.run("lo", "cat", [
        join(lab.directory, "state/established-peers.json"),
      ]);
      return text.includes(STAYS) && text.includes(SOURCE);
    });
  async function kill(): Promise<void> {
    await restarts.program.stop("SIGKILL");
    await waitFor("the other to notice", async () => (await kept()) === "restarting");
    source.drop();
  }

  beforeAll(async () => {
    lab = new Lab();
    lab.namespace("lo", ["10.99.0.9/16", "10.98.0.9/16"]);
    stays = await Evpnd.start({
      lab,
      label: "lo",
      name: "stays",
      address: STAYS,
      http: HTTP,
      extra: [
        "--config",
        lab.writeFile(
          "stays.yaml",
          [
            "as: 65000",
            "peer-groups:",
            "  clients:",
            "    idle-hold: 0",
            "    graceful-restart: {long-lived: {enabled: true}}",
            "dynamic-peers:",
            "  - {prefix: 10.99.0.0/24, group: clients}",
            "  - {prefix: 10.98.0.0/24, group: clients}",
            "",
          ].join("\n"),
        ),
      ],
    });
    config = lab.writeFile(
      "restarts.yaml",
      [
        "as: 65000",
        "restart:",
        `  state-dir: ${lab.makeDirectory("state")}`,
        "peer-groups:",
        "  clients:",
        "    idle-hold: 0",
        "    graceful-restart:",
        "      mode: full",
        "      restart-time: 60",
        "      long-lived: {enabled: true, stale-time: 600}",
        "peers:",
        `  - {address: ${STAYS}, client: false, group: clients, local-address: ${RESTARTS}, connect-retry: 1}`,
        "dynamic-peers:",
        "  - {prefix: 10.98.0.0/24, group: clients}",
        "",
      ].join("\n"),
    );
    restarts = await startRestarting();
    gobgp = await Gobgp.start({
      lab,
      label: "lo",
      name: "gobgp",
      address: GOBGP,
      neighbor: STAYS,
      families: ["l2vpn-evpn"],
      gracefulRestart: true,
    });
    observer = await up(OBSERVER, STAYS);
    await sourceUp();
    await observer.waitSize(MACS);
    await waitFor("GoBGP to have all", async () => (await gobgp.rib("evpn")).size === MACS);
    await remembered();
    await waitQuiet("the observer's messages", () => observer.table.updates);
  });
  afterAll(() => lab.close());
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  test("killed and back, its own client later still: nobody at the other one hears of it", async () => {
    const before = await heard();
    await kill();
    restarts = await startRestarting();
    await waitFor("the session", async () => (await kept()) === "resynchronizing");
    // It waits for its client, so that its End-of-RIB does not come too early.
    type Summary = { restarting?: { waitingFor: string[] } };
    const summary = (): Promise<Summary> => restarts.get<Summary>("/v1/summary");
    await waitFor("its client to be all that is missing", async () => {
      return JSON.stringify((await summary()).restarting?.waitingFor) === JSON.stringify([SOURCE]);
    });
    expect(await kept()).toBe("resynchronizing");
    await sourceUp();
    await waitFor("nothing stale", async () => (await kept()) === undefined);
    await waitQuiet("the observer's messages", () => observer.table.updates);
    expect(await heard()).toEqual(before);
    expect(observer.table.size).toBe(MACS);
  });

  test("killed twice in a row: the same", async () => {
    await remembered();
    const before = await heard();
    await kill();
    restarts = await startRestarting();
    await waitFor("the session", async () => (await kept()) === "resynchronizing");
    await restarts.program.stop("SIGKILL");
    await waitFor("the other to notice", async () => (await kept()) === "restarting");
    restarts = await startRestarting();
    await waitFor("the session", async () => (await kept()) === "resynchronizing");
    await sourceUp();
    await waitFor("nothing stale", async () => (await kept()) === undefined);
    await waitQuiet("the observer's messages", () => observer.table.updates);
    expect(await heard()).toEqual(before);
  });

  test("without what it remembers it is a cold start, and the others hear of it", async () => {
    await remembered();
    const [before] = await heard();
    await kill();
    await rm(join(lab.directory, "state/established-peers.json"));
    restarts = await startRestarting();
    await observer.waitSize(0);
    await sourceUp();
    await observer.waitSize(MACS);
    expect((await heard())[0]).toBeGreaterThan(before!);
    const marked = observer.table
      .routes()
      .filter(({ attributes }) => attributes.get(8)?.value.includes(LLGR_STALE) === true);
    expect(marked).toEqual([]);
  });
});
