/** What evpnd may do on its machine: with one capability, with none, and after it has become somebody else. */
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { canary } from "../lib/canary.js";
import { DIST, Evpnd } from "./lib/evpnd.js";
import { Frr, frrClient } from "./lib/frr.js";
import { Lab } from "./lib/lab.js";
import type { Program } from "./lib/processes.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { waitFor } from "./lib/wait.js";

const CAPS = "10.98.0.1";
const DROP = "10.98.0.2";
const NONE = "10.98.0.3";
const KEYED = "10.98.0.11";
const LATER = "10.98.0.12";
const HTTP = 8080;
const MAIN = join(DIST, "src", "main.js");
const NET_BIND_SERVICE = 1n << 10n;

const KEY = canary("peers");

const config = (own: string, more = "", listen = `"${own}:179"`): string => `
as: 65000
router-id: ${own}
listen: [${listen}]
http: { listen: "127.0.0.1:${String(HTTP)}" }
peers:
  - { address: ${KEYED}, password-file: peer.key, ttl-security-hops: 3, passive: true }
${more}
`;

describeInterop("privileges", ["frr"], () => {
  let lab: Lab;

  beforeAll(() => {
    lab = new Lab();
    const all = [CAPS, DROP, NONE, KEYED, LATER];
    lab.namespace(
      "lo",
      all.map((address) => `${address}/32`),
    );
    lab.secretFile("peer.key", KEY);
  });
  afterAll(() => lab.close());
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  /** A client with the key of the file, and GTSM. */
  async function client(
    address: string,
    reflector: string,
    lines: readonly string[],
  ): Promise<Frr> {
    const text = frrClient({
      address,
      reflectors: [reflector],
      remoteAs: 65000,
      neighborLines: lines,
    });
    return Frr.start({
      lab,
      label: "lo",
      name: `frr-${address}-${reflector}`,
      address,
      config: text,
    });
  }

  /** Root's identity, but these capabilities and no way to others. */
  function capable(name: string, own: string, capabilities: string): Program {
    const file = join(lab.directory, `${name}.yaml`);
    writeFileSync(file, config(own).replace(/http: .*/, "http: { listen: off }"));
    return lab.start("lo", name, "setpriv", [
      ...[`--bounding-set=-all${capabilities}`, `--inh-caps=-all${capabilities}`, "--no-new-privs"],
      ...[process.execPath, MAIN, "--config", file],
    ]);
  }

  test("CAP_NET_BIND_SERVICE is all it takes: port 179, MD5 keys and GTSM", async () => {
    const evpnd = capable("caps", CAPS, ",+net_bind_service");
    await waitFor("evpnd to be up", () => {
      evpnd.mustRun();
      return evpnd.log().includes("evpnd is up");
    });
    expect(status(evpnd.pid, "CapEff")).toBe(NET_BIND_SERVICE.toString(16).padStart(16, "0"));
    const frr = await client(KEYED, CAPS, [`password ${KEY}`, "ttl-security hops 3"]);
    await frr.waitEstablished(CAPS);
    await frr.kill();
    await evpnd.stop();
  });

  test("without it the end comes at once, with what to do and exit code 3", async () => {
    const evpnd = capable("none", NONE, "");
    await waitFor("evpnd to end", () => evpnd.log().includes("CAP_NET_BIND_SERVICE"));
    const { code } = await evpnd.stop();
    expect(code).toBe(3);
    await evpnd.says(`cannot listen on ${NONE} port 179`);
  });

  test("started as root with a user, it is that user for good once its ports are bound, and reloads go on", async () => {
    const file = join(lab.directory, "drop.yaml");
    chmodSync(lab.directory, 0o755);
    writeFileSync(file, config(DROP, "user: nobody"), { mode: 0o644 });
    // As the guide says: readable to the user's group.
    chmodSync(join(lab.directory, "peer.key"), 0o644);
    const evpnd = await Evpnd.start({
      ...{ lab, label: "lo", name: "drop", address: DROP, http: HTTP, config: "" },
      extra: ["--config", file],
    });
    await waitFor("the new identity", () => evpnd.program.log().includes("evpnd is up"));
    const { pid } = evpnd.program;
    expect(status(pid, "Uid").split("\t")).toEqual(Array(4).fill("65534"));
    expect(status(pid, "Gid").split("\t")).toEqual(Array(4).fill("65534"));
    expect(status(pid, "Groups").trim()).toMatch(/^(65534)?$/);
    expect([status(pid, "CapEff"), status(pid, "CapPrm")]).toEqual(Array(2).fill("0".repeat(16)));
    const frr = await client(KEYED, DROP, [`password ${KEY}`, "ttl-security hops 3"]);
    await frr.waitEstablished(DROP);

    const reload = async (text: string): Promise<{ status: number; body: string }> => {
      writeFileSync(file, text);
      return evpnd.request("POST", "/v1/reload");
    };
    // Keys are set on sockets that it has; that takes no rights.
    const later = `  - { address: ${LATER}, password-file: peer.key, passive: true }\nuser: nobody`;
    expect((await reload(config(DROP, later))).status).toBe(200);
    const second = await client(LATER, DROP, [`password ${KEY}`]);
    await second.waitEstablished(DROP);
    // A port of the many below 1024, and a key that only root can read, are refused as a whole.
    const low = await reload(config(DROP, later, `"${DROP}:179", "${DROP}:180"`));
    expect([low.status, low.body]).toMatchObject([
      422,
      expect.stringContaining("CAP_NET_BIND_SERVICE"),
    ]);
    chmodSync(join(lab.directory, "peer.key"), 0o600);
    const unreadable = await reload(config(DROP, later));
    expect([unreadable.status, unreadable.body]).toMatchObject([
      422,
      expect.stringContaining("may not be read"),
    ]);
    chmodSync(join(lab.directory, "peer.key"), 0o644);
    expect((await reload(config(DROP, later, `"${DROP}:179", "${DROP}:1790"`))).body).toContain(
      `listening on ${DROP} port 1790`,
    );
    for (const daemon of [frr, second])
      expect((await daemon.neighbor(DROP)).state).toBe("Established");
    expect(evpnd.program.log()).not.toContain("a-key");
  });
});

/** A line of /proc/PID/status without its name. */
function status(pid: number, name: string): string {
  const text = readFileSync(`/proc/${String(pid)}/status`, "utf8");
  return new RegExp(`^${name}:\\s*(.*)$`, "m").exec(text)?.[1] ?? "";
}
