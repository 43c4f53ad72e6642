/**
 * docs/asmn.md, followed by a stranger: its own commands on a real evpnd (Sec-EM, gate and reflector) with the agent
 * beside an unmodified FRR. A command that does not stand in the page is not run.
 */
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { DIST, Evpnd } from "../lib/evpnd.js";
import { Frr, frrClient } from "../lib/frr.js";
import { Lab } from "../lib/lab.js";
import { describeInterop, showLogsOnFailure } from "../lib/suite.js";
import { waitFor } from "../lib/wait.js";
import { AgentProgram } from "./lib/agent.js";
import { MANAGER, MANAGER_ADDRESS, VnfNet } from "./lib/vnf-net.js";

const CLI = join(DIST, "src", "cli", "main.js");
const PAGE = readFileSync("docs/asmn.md", "utf8");
const HTTP = 8080;
const VNF = VnfNet.address(1);

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

describeInterop("docs/asmn.md", ["frr"], () => {
  let lab: Lab;
  let evpnd: Evpnd;
  let frr: Frr;
  let agent: AgentProgram;
  let state: string;
  let image: string;
  /** Everything that commands said: no secret may be in it. */
  let said = "";
  let token = "";
  const known = { DIGEST: "", KEY: "", NAME: "", "192.0.2.11": VNF, "asmn/sec-em": "" };

  beforeAll(async () => {
    lab = new Lab();
    const net = new VnfNet(lab);
    net.vnf(1);
    state = lab.makeDirectory("state");
    image = lab.writeFile("edge.qcow2", "a genuine image\n".repeat(200_000));
    const http = HTTP;
    const address = MANAGER_ADDRESS;
    evpnd = await Evpnd.start({ lab, label: MANAGER, address, http, config: file(true) });
    frr = await Frr.start({
      ...{ lab, label: VnfNet.label(1), name: "frr1", address: VNF },
      config: frrClient({ address: VNF, reflectors: [MANAGER_ADDRESS], familyLines: [] }),
    });
    known["asmn/sec-em"] = join(state, "asmn", "sec-em");
  });

  afterAll(async () => {
    await lab.close();
  });

  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  /** As the page's first block, with addresses of the lab. */
  function file(dryRun: boolean): string {
    const block = /```yaml\n(peers:[^`]*)```/.exec(PAGE)?.[1] ?? "";
    expect(block).toContain("dry-run: true");
    return `as: 65000
router-id: ${MANAGER_ADDRESS}
listen: ["${MANAGER_ADDRESS}:179"]
http: {listen: "127.0.0.1:${String(HTTP)}"}
restart: {state-dir: ${state}}
user: nobody
${block
  .replace("  sec-em:\n", `  sec-em:\n    image-directory: ${lab.directory}\n`)
  .replaceAll("192.0.2.11", VNF)
  .replaceAll("192.0.2.1:", `${MANAGER_ADDRESS}:`)
  .replace("dry-run: true", `dry-run: ${String(dryRun)}`)}`;
  }

  function evpndFile(): string {
    const name = readdirSync(lab.directory).find((one) => one.endsWith("-evpnd.yaml")) ?? "";
    return join(lab.directory, name);
  }

  /** A command of the page, without its comment. */
  async function guide(line: string, stdin?: string): Promise<Ran> {
    expect(PAGE, line).toContain(`\n${line}`);
    let words = line.replace(/ +#.*$/, "").replace(/ [<>] \w+$/, "");
    words = words.replace("edge.qcow2", image);
    for (const [name, value] of Object.entries(known)) words = words.replaceAll(name, value);
    const script =
      `${words.replace(/^evpnctl/, `"${process.execPath}" "${CLI}"`)} ` +
      `${stdin === undefined ? "< /dev/null" : ""} 2> "${join(lab.directory, "err")}"; echo "exit $?"`;
    const text = await lab.run(MANAGER, "sh", [
      "-c",
      `export EVPND_URL=http://127.0.0.1:${String(HTTP)}; ` +
        (stdin === undefined ? script : `echo "${stdin}" | ${script}`),
    ]);
    const err = readFileSync(join(lab.directory, "err"), "utf8");
    const [, out = "", code = ""] = /^([\s\S]*)exit (\d+)\n$/.exec(text) ?? [];
    const isToken = line.includes("token issue");
    said += isToken ? err : out + err;
    return { code: Number(code), out, err };
  }

  async function peer(): Promise<{ state: string; trust: { state: string; effect: string } }> {
    return evpnd.get(`/v1/peers/${VNF}`);
  }

  function peerIs(what: string, trust: string, effect: string): Promise<unknown> {
    return waitFor(`the peer to be ${what}`, async () => {
      const found = await peer();
      if (found.trust.state === trust && found.trust.effect === effect) return true;
      throw new Error(JSON.stringify(found.trust));
    });
  }

  test("ASM-82: with dry-run nobody is gated, and who would be is told", async () => {
    await frr.waitEstablished(MANAGER_ADDRESS);
    await peerIs("spared", "unknown", "admit");
    const { out } = await guide(
      "evpnctl asmn dry-run                    # who is gated, or would be",
    );
    expect(out).toMatch(new RegExp(`${VNF.replaceAll(".", "\\.")} +unknown +would refuse`));
  });

  test("ASM-82: requiring trust resets no session: it is held", async () => {
    const before = await evpnd.get<{ establishedCount: number }>(`/v1/peers/${VNF}`);
    writeFileSync(evpndFile(), file(false));
    const answer = await evpnd.request("POST", "/v1/reload");
    expect([answer.status, answer.body]).toEqual([200, answer.body]);
    await peerIs("held", "unknown", "refuse");
    const after = await evpnd.get<{ establishedCount: number }>(`/v1/peers/${VNF}`);
    expect(after.establishedCount).toBe(before.establishedCount);
  });

  test("ASM-05, ASM-12, ASM-74: keys, image, token, agent; and nothing else by hand", async () => {
    const keys = await guide(
      "evpnctl asmn keys list        # root, transport, gate, …: public keys, to be pinned",
    );
    known.KEY = /root \(pinned[^)]*\)\n {2}([0-9a-f]{64})/.exec(keys.out)?.[1] ?? "";
    expect(known.KEY).toMatch(/^[0-9a-f]{64}$/);
    known.DIGEST = (await guide("evpnctl asmn measure edge.qcow2")).out.trim();
    // Where evpnd runs, as nobody, by a name in its directory.
    known.NAME = basename(image);
    const remote = await guide(
      "evpnctl asmn measure NAME --remote     # a file of asmn.sec-em.image-directory, measured by evpnd",
    );
    expect([remote.out.trim(), remote.err.includes("evpnctl:")]).toEqual([known.DIGEST, false]);
    const registered = await guide("evpnctl asmn image register blue/edge DIGEST --release 1.0");
    expect(registered.err).toBe("");
    const issued = await guide("evpnctl asmn token issue blue/edge/edge-1 --image DIGEST > token");
    token = issued.out.trim();
    expect(token).toMatch(/^asmn1\.\S{32,}$/);
    agent = new AgentProgram({
      ...{ lab, label: VnfNet.label(1), tenant: "blue", vnf: "edge", instance: "edge-1" },
      ...{ secEms: [`${MANAGER_ADDRESS}:7201`], rootKeys: [known.KEY], token },
      image,
    });
    expect(PAGE).toContain("evpnctl asmn agent run --config asmn-agent.yaml");
    agent.start();
    await agent.waitTrusted();
    await peerIs("trusted", "trusted", "admit");
  });

  test("ASM-17, ASM-75: state, reason, chain, binding are shown", async () => {
    const { out, code } = await guide(
      "evpnctl asmn status                     # Sec-EM, gate, gateway; exit code 1 while something is wrong",
    );
    expect([code, out]).toEqual([0, out]);
    expect(out).toContain("Trusted:");
    const row = await guide(
      "evpnctl asmn vnfs                       # each instance, its state, and why",
    );
    expect(row.out).toMatch(/blue\/edge\/edge-1 +trusted +\d+ +address-bound/);
    const one = await guide("evpnctl asmn vnfs blue/edge/edge-1      # one in full");
    expect(one.out).toContain("none: its agent's word is believed");
    const shown = await guide("evpnctl show peer 192.0.2.11            # with its trust");
    expect(shown.out).toMatch(/Trust: +trusted \(admit\)/);
  });

  test("a configuration that cannot be had changes nothing of what runs", async () => {
    const wrong = file(false).replace(
      `listen: ["${MANAGER_ADDRESS}:7201"]`,
      'listen: ["192.0.2.99:7201"]',
    );
    expect(wrong).toContain("192.0.2.99");
    writeFileSync(evpndFile(), wrong);
    const answer = await evpnd.request("POST", "/v1/reload");
    expect(answer.body).toContain("192.0.2.99");
    expect(answer.status).not.toBe(200);
    writeFileSync(evpndFile(), file(false));
    await evpnd.request("POST", "/v1/reload");
    expect(agent.status()?.state).toBe("trusted");
    expect(await peer()).toMatchObject({ state: "Established", trust: { effect: "admit" } });
  });

  test("ASM-71: revoked, the session is held within a second; restored after a new proof", async () => {
    const begun = Date.now();
    const revoked = await guide(
      'evpnctl asmn revoke blue/edge/edge-1 --reason "key lost"    # or blue/edge, or blue',
    );
    expect(revoked.out).toContain("1 instance revoked");
    await peerIs("held", "untrusted", "refuse");
    console.log(`revoked and held ${String(Date.now() - begun)} ms after the command's start`);
    await guide(
      'evpnctl asmn restore blue/edge/edge-1 --reason "found"      # trusted after its next proof',
    );
    await waitFor("a new proof", async () => {
      const { code, err, out } = await guide(
        "evpnctl asmn verify blue/edge/edge-1                        # asks for that proof now",
      );
      if (code === 0) return true;
      throw new Error(out + err);
    });
    await peerIs("trusted again", "trusted", "admit");
  });

  test("ASM-78, ASM-79: images, and new keys, while the session stays", async () => {
    const images = await guide("evpnctl asmn image list blue/edge");
    expect(images.out).toContain(known.DIGEST.slice(0, 16));
    const rotated = await guide(
      "evpnctl asmn keys rotate              # new keys for verdicts and catalogs; the old ones stay good for a while",
    );
    expect(rotated.out).toContain("verdict (former");
    await waitFor("a proof under the new key", async () => {
      const { code, err, out } = await guide(
        "evpnctl asmn verify blue/edge/edge-1                        # asks for that proof now",
      );
      if (code === 0) return true;
      throw new Error(out + err);
    });
    expect((await peer()).trust.state).toBe("trusted");
  });

  test("ASM-81: break-glass by name, listed, ended, audited", async () => {
    const opened = await guide(
      'evpnctl asmn break-glass open blue/edge --name a.operator --reason "Sec-EM upgrade" --for 30m > document',
    );
    expect(opened.err).not.toContain("evpnctl:");
    expect(opened.out).toMatch(/^([0-9a-f]{2})+\n$/);
    const list = await guide("evpnctl asmn break-glass list");
    const id = /^(\S+) +blue\/edge/m.exec(list.out)?.[1] ?? "";
    const ended = await lab.run(MANAGER, process.execPath, [
      ...[CLI, "asmn", "break-glass", "end", id],
      ...["--url", `http://127.0.0.1:${String(HTTP)}`],
    ]);
    expect(ended).toContain("is over");
  });

  test("the audit log has all of it, and is whole: asked, and as files", async () => {
    const { entries } = await evpnd.get<{ entries: { action: string }[] }>("/v1/asmn/audit");
    const actions = entries.map(({ action }) => action).join(" ");
    for (const word of ["image", "token", "trusted", "revoke", "restore", "break-glass"]) {
      expect(actions).toContain(word);
    }
    const asked = await guide(
      "evpnctl asmn audit verify                                   # all of the running one",
    );
    expect([asked.code, asked.out]).toEqual([0, asked.out]);
    const files = await guide(
      "evpnctl asmn audit verify asmn/sec-em/audit --root-key KEY  # files, anywhere",
    );
    expect([files.code, files.out + files.err]).toEqual([0, files.out]);
    expect(files.out).toMatch(/^whole: [1-9]/);
  });

  test("ASM-74: the token is in nothing that anybody reads, nor in files that others may", async () => {
    const answers = await Promise.all(
      [
        "status",
        "keys",
        "tokens",
        "audit?limit=1000",
        "catalogs",
        "vnfs",
        "instances",
        "gate/peers",
      ].map((path) => evpnd.get<object>(`/v1/asmn/${path}`)),
    );
    const readable = said + JSON.stringify(answers) + lab.logs() + JSON.stringify(agent.status());
    expect(readable).not.toContain(token);
    // Its secret half alone, too.
    expect(readable).not.toContain(token.slice(-32));
    expect(readable).not.toContain("PRIVATE KEY");
    for (const directory of [join(state, "asmn"), agent.directory]) {
      for (const path of allOf(directory)) {
        const { mode } = statSync(path);
        const isGuarded = allAbove(path, directory).some(
          (one) => (statSync(one).mode & 0o077) === 0,
        );
        expect(isGuarded || (mode & 0o077) === 0, path).toBe(true);
      }
    }
  });
});

function allOf(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Directories from the file's own up to and with `top`. */
function allAbove(path: string, top: string): string[] {
  const found: string[] = [];
  for (let at = join(path, ".."); at.startsWith(top); at = join(at, "..")) found.push(at);
  return found;
}
