/** A fabric of FRR PEs while its reflector changes its configuration: by HTTP, by SIGHUP, and back by itself. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Evpnd } from "./lib/evpnd.js";
import { Fabric, hostOf, peAddress, PES } from "./lib/fabric.js";
import { Lab } from "./lib/lab.js";
import {
  announce,
  extendedCommunities,
  ip4,
  mac,
  macIp,
  rd,
  routeTarget,
  VXLAN,
} from "./lib/messages.js";
import { SpeakerClient } from "./lib/speaker-client.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { waitFor } from "./lib/wait.js";
import { EVPN } from "./lib/wire.js";

const RR = "10.99.0.254";
const HTTP = 8080;
const SPEAKER = "10.99.0.9";

/** @param changed lines for the third PE */
const config = (changed = "", more = ""): string => `
as: 65000
router-id: ${RR}
listen: ["${RR}:179"]
http: { listen: "127.0.0.1:${String(HTTP)}" }
peer-groups:
  leaves: { passive: true, idle-hold: 1, idle-hold-max: 1, hold-time: 9 }
peers:
  - { address: ${peAddress(1)}, group: leaves }
  - { address: ${peAddress(2)}, group: leaves }
  - { address: ${peAddress(3)}, group: leaves${changed} }
${more}
`;

interface PeerView {
  readonly address: string;
  readonly state: string;
  readonly establishedCount: number;
  readonly description: string;
  readonly messages: { readonly out: Readonly<Record<string, number>> };
}

describeInterop("reload under a fabric of FRR PEs", ["ping", "frr"], () => {
  let lab: Lab;
  let fabric: Fabric;
  let evpnd: Evpnd;
  let file: string;

  beforeAll(async () => {
    lab = new Lab();
    fabric = new Fabric(lab, [RR]);
    fabric.attach("rr", RR);
    file = join(lab.directory, "evpnd.yaml");
    writeFileSync(file, config());
    evpnd = await Evpnd.start({
      lab,
      label: "rr",
      address: RR,
      http: HTTP,
      config: "",
      extra: ["--config", file],
    });
    await Promise.all(PES.map((pe) => fabric.startPe(pe)));
    for (const pe of PES) fabric.plug(pe, hostOf(pe, 100));
    await Promise.all(PES.map((pe) => fabric.pe(pe).waitEstablished(RR)));
    for (const pe of PES) {
      for (const to of PES) {
        if (to !== pe) await fabric.waitPing(hostOf(pe, 100).label, hostOf(to, 100));
      }
    }
  }, 120_000);
  afterAll(() => lab.close());
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  async function peer(pe: number): Promise<PeerView> {
    return evpnd.get<PeerView>(`/v1/peers/${peAddress(pe)}`);
  }

  async function counts(): Promise<number[]> {
    return Promise.all(PES.map(async (pe) => (await peer(pe)).establishedCount));
  }

  async function post(path: string, body?: object): Promise<{ status: number; text: string }> {
    const { status, body: text } = await evpnd.request("POST", path, body);
    return { status, text };
  }

  /** Pings between the first two PEs' hosts while `change` happens; none may be lost. */
  async function withPings(change: () => Promise<void>): Promise<void> {
    const pings = [
      [1, 2],
      [2, 1],
    ].map(([from = 0, to = 0]) =>
      lab.run(hostOf(from, 100).label, "ping", [
        ...["-n", "-q", "-i", "0.02", "-c", "250", "-W", "2"],
        hostOf(to, 100).address,
      ]),
    );
    await change();
    for (const output of await Promise.all(pings)) {
      expect(output).toMatch(/250 packets transmitted, 250 received/);
    }
  }

  test("a change of one peer resets that one; every other session and every ping live on", async () => {
    const before = await counts();
    writeFileSync(file, config(", hold-time: 30"));
    const diff = await post("/v1/config/diff", {});
    expect(JSON.parse(diff.text)).toMatchObject({
      ok: true,
      changes: [{ subject: `peer ${peAddress(3)}`, effect: "reset", sessions: [peAddress(3)] }],
    });
    await withPings(async () => {
      const { status, text } = await post("/v1/reload");
      expect([status, text]).toEqual([
        200,
        JSON.stringify({ done: [`${peAddress(3)}: reset, hold-time changed`] }),
      ]);
      await waitFor("the third PE to be back", async () => (await counts())[2] === before[2]! + 1);
    });
    expect((await counts()).slice(0, 2)).toEqual(before.slice(0, 2));
    await fabric.waitPing(hostOf(1, 100).label, hostOf(3, 100));
  });

  test("options that apply live end no session, and FRR has what they say", async () => {
    const before = await counts();
    const prefixes = async (pe: number): Promise<string[]> => [
      ...(await fabric.pe(pe).evpnRoutes()).keys(),
    ];
    const imets = (list: readonly string[]): number =>
      list.filter((prefix) => prefix.includes(" [3]")).length;
    const all = imets(await prefixes(3));
    await withPings(async () => {
      // A type 3 less, a role, a limit, a policy: no word of a reset.
      writeFileSync(file, config(", hold-time: 30, evpn-types-out: [2], prefix-limit: 500"));
      expect((await post("/v1/reload")).status).toBe(200);
      await waitFor("type 3 to be withdrawn from the third PE", async () => {
        return imets(await prefixes(3)) < all;
      });
      writeFileSync(file, config(", hold-time: 30, description: back"));
      evpnd.program.signal("SIGHUP");
      await waitFor("type 3 at the third PE", async () => imets(await prefixes(3)) === all);
    });
    expect((await peer(3)).description).toBe("back");
    expect(await counts()).toEqual(before);
  });

  test("a leaf whose interest is inferred has what it imports, and no more", async () => {
    const before = await counts();
    const speaker = `  - { address: ${SPEAKER}, passive: true }`;
    writeFileSync(file, config(", hold-time: 30", speaker));
    expect((await post("/v1/reload")).status).toBe(200);
    fabric.attach("speaker", SPEAKER);
    const options = { lab, label: "speaker", localAddress: SPEAKER, remoteAddress: RR };
    const client = await SpeakerClient.up(options);
    for (const vni of [100, 300]) {
      const more = extendedCommunities(VXLAN, routeTarget(65000, vni));
      const nlri = macIp({ rd: rd(SPEAKER, vni), mac: mac(9, vni), label: vni });
      client.send(announce(EVPN, ip4(SPEAKER), nlri, more));
    }
    const vnis = async (): Promise<string> =>
      [...(await fabric.pe(3).evpnRoutes()).keys()]
        .flatMap((prefix) => new RegExp(`${SPEAKER}:(\\d+) .*\\[2\\]`).exec(prefix)?.[1] ?? [])
        .sort()
        .join();
    await waitFor("both at the third PE", async () => (await vnis()) === "100,300");
    await withPings(async () => {
      writeFileSync(file, config(', hold-time: 30, route-target-inference: "on"', speaker));
      expect((await post("/v1/reload")).status).toBe(200);
      await waitFor("VNI 300 to go", async () => (await vnis()) === "100");
    });
    writeFileSync(file, config(", hold-time: 30, description: back"));
    expect((await post("/v1/reload")).status).toBe(200);
    await waitFor("the speaker's routes to go", async () => (await vnis()) === "");
    expect(await counts()).toEqual(before);
  });

  test("SIGHUP with a bad file changes nothing and says why", async () => {
    const before = await counts();
    writeFileSync(file, config(", hold-time: 30, clientt: true", "compare-mobility: maybe"));
    evpnd.program.signal("SIGHUP");
    await waitFor("the refusal", () => evpnd.program.log().includes("configuration refused"));
    await evpnd.program.says('unknown key \\"clientt\\"');
    expect(await counts()).toEqual(before);
    expect((await peer(3)).description).toBe("back");
  });

  test("whatever the file turns into, and however often it is asked to be read, nothing stops", async () => {
    const before = await counts();
    const good = config(", hold-time: 30, description: back");
    const hostile: readonly (readonly [string, () => void])[] = [
      ["ENOENT", () => {}],
      ["EISDIR", () => mkdirSync(file)],
      ["not a regular file", () => void execFileSync("mkfifo", [file])],
      ["not a regular file", () => symlinkSync("/dev/zero", file)],
      ["ELOOP", () => symlinkSync(file, file)],
      ["not UTF-8 text", () => writeFileSync(file, Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 0xff))],
      ["too large", () => (writeFileSync(file, ""), truncateSync(file, 100 * 1024 * 1024))],
      ["nested more than", () => writeFileSync(file, "[".repeat(300_000))],
      ["an alias", () => writeFileSync(file, "as: *nobody\n")],
    ];
    await withPings(async () => {
      for (const [why, make] of hostile) {
        rmSync(file, { recursive: true, force: true });
        make();
        const { status, text } = await post("/v1/reload");
        expect([status, text]).toMatchObject([422, expect.stringContaining(why)]);
      }
      rmSync(file, { recursive: true, force: true });
      writeFileSync(file, config(", hold-time: 30, password-file: none.key"));
      expect((await post("/v1/reload")).text).toContain("none.key cannot be read (ENOENT)");
      // A text that a client sends is read with the same care.
      const text = "{a: ".repeat(100_000);
      expect((await post("/v1/config/diff", { text })).text).toContain("nested more than");
      writeFileSync(file, good);
      for (let count = 0; count < 100; count++) evpnd.program.signal("SIGHUP");
      const storm = Array.from({ length: 100 }, () => post("/v1/reload"));
      for (const { status } of await Promise.all(storm)) expect(status).toBe(200);
    });
    expect((await peer(3)).description).toBe("back");
    expect(await counts()).toEqual(before);
  });

  test("a change that is not confirmed goes back by itself", async () => {
    const before = await counts();
    writeFileSync(file, config(", hold-time: 30, shutdown: true"));
    await withPings(async () => {
      const { status, text } = await post("/v1/reload", { confirm: 2 });
      expect([status, text]).toMatchObject([200, expect.stringContaining("goes back in 2 s")]);
      expect((await peer(3)).state).toBe("Idle");
      expect((await post("/v1/reload")).status).toBe(422);
      expect(await evpnd.get("/v1/summary")).toMatchObject({ pendingConfirm: {} });
      await waitFor("the third PE to be back", async () => (await counts())[2] === before[2]! + 1);
    });
    await evpnd.program.says("not confirmed in time: rolled back");
    expect((await counts()).slice(0, 2)).toEqual(before.slice(0, 2));
    await fabric.waitPing(hostOf(1, 100).label, hostOf(3, 100));
    expect(readFileSync(file, "utf8")).toContain("shutdown: true");
    expect(JSON.stringify(await evpnd.get("/v1/config"))).not.toContain("shutdown");
  });

  test("a new address to listen on needs no restart; sessions on the old one stay", async () => {
    const before = await counts();
    lab.ip("rr", ["addr add 10.99.0.250/24 dev eth0"]);
    const more = config(", hold-time: 30").replace(
      `listen: ["${RR}:179"]`,
      `listen: ["${RR}:179", "10.99.0.250:179"]`,
    );
    writeFileSync(file, more);
    const { text } = await post("/v1/reload");
    expect(text).toContain("listening on 10.99.0.250 port 179");
    expect(await counts()).toEqual(before);
    writeFileSync(file, more.replace("10.99.0.250:179", "10.99.0.77:179"));
    const refused = await post("/v1/reload");
    expect(refused.status).toBe(422);
    expect(refused.text).toContain("cannot listen on 10.99.0.77 port 179");
    expect(await counts()).toEqual(before);
  });
});
