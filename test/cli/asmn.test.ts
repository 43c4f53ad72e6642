/** evpnctl asmn: every verb over HTTP with a fake behind; tables fit, JSON is whole, and nothing secret is in either. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openHttpDoor, type HttpDoor } from "../../src/api/index.js";
import { silentLog } from "../../src/util/log.js";
import { DIGEST, FakeAsmn, TOKEN_SECRET, WALL } from "../lib/fake-asmn.js";
import { FakeControl } from "../lib/fake-control.js";
import { evpnctl, type Ran, type RunOptions } from "./lib/host.js";

let door: HttpDoor;
let fake = new FakeAsmn();
let directory = "";

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "evpnctl-asmn-"));
  const backend = {
    control: new FakeControl(),
    log: silentLog,
    get asmn() {
      return fake.asmn;
    },
    get asmnSecEm() {
      return fake.secEm;
    },
    get asmnGate() {
      return fake.gate;
    },
    get asmnGateway() {
      return fake.gateway;
    },
    reload: () => Promise.resolve({ ok: true, lines: [] }),
    metrics: () => Promise.resolve({ contentType: "text/plain", text: "" }),
  };
  const listen = { address: "127.0.0.1", port: 0 };
  const opened = await openHttpDoor(backend, { listen, allowedHosts: [] });
  if (opened === undefined) throw new Error("no door");
  door = opened;
});

afterAll(async () => {
  await door.close();
  rmSync(directory, { recursive: true });
});

beforeEach(() => {
  fake = new FakeAsmn();
});

const never = new Promise<void>(() => {});

function run(words: string | string[], options: RunOptions = {}): Promise<Ran> {
  const url = `http://${door.address}`;
  return evpnctl(words, { url, now: WALL, interrupted: never, ...options });
}

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

const LINES =
  "catalog:\n  - {from: edge, to: store, protocol: tcp, port: 8000-8099, rate: 5Mbit}\n";

/** Every verb that only looks. */
const LOOKS = [
  "status",
  "vnfs",
  "vnfs blue/edge/edge-1",
  "vnfs --descriptors",
  "vnfs --state untrusted",
  "catalog show blue",
  "image list blue/edge",
  "token list",
  "tpm list",
  "keys list",
  "break-glass list",
  "audit list",
  "audit verify",
  "dry-run",
  "gateway show",
];

describe("what is shown", () => {
  test.each(LOOKS)("asmn %s fits into 80 columns, and --json is JSON", async (words) => {
    const { out, err } = await run(`asmn ${words}`);
    expect(err).toBe("");
    expect(Math.max(...out.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
    const json = await run(`asmn ${words} --json`);
    for (const text of json.out.startsWith("[") || /^\{\n/.test(json.out)
      ? [json.out]
      : json.out.trim().split("\n")) {
      expect(() => JSON.parse(text) as unknown).not.toThrow();
    }
  });

  test("ASM-17: state, reason, chain index and life of the verdict of each instance", async () => {
    const { out, code } = await run("asmn vnfs");
    expect(code).toBe(0);
    expect(out).toMatch(/blue\/edge\/edge-1 +trusted +7 +address-bound +290 s +proved/);
    expect(out).toMatch(/blue\/edge\/edge-2 +untrusted +7 +address-bound +none +clone: two/);
    const one = await run("asmn vnfs blue/edge/edge-1");
    expect(one.out).toContain("trusted for 00:01:00: proved");
    expect(one.out).toContain("Proved:        00:00:05 ago");
  });

  test("ASM-68, ASM-75: an agent's word alone, and a session bound by nothing, are called so", async () => {
    const { out } = await run("asmn vnfs blue/edge/edge-1");
    expect(out).toContain("none: its agent's word is believed");
    expect(out).toContain("router id 192.0.2.11; address-bound");
  });

  test("ASM-03, ASM-17: status names who is not trusted, gated or refused, with the reason", async () => {
    const { out } = await run("asmn status");
    const text = out.replaceAll(/\s+/g, " ");
    expect(text).toContain(
      "Refused: 192.0.2.66 as blue/edge/edge-1, 3 times, 00:00:05 ago: wrong-key: the TLS key",
    );
    expect(text).toContain("Not trusted: blue/edge/edge-2 is untrusted: clone: two ran with one");
    expect(text).toContain("Gated: 192.0.2.12, unknown, would refuse: nobody has proved himself");
    expect(Math.max(...out.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  test("ASM-77: a Sec-EM out of reach is an alarm, and the exit code says so", async () => {
    const gate = fake.status.gate!;
    fake.status = { secEm: undefined, gateway: undefined, gate: { ...gate, inGrace: false } };
    expect((await run("asmn status")).code).toBe(0);
    const sources = gate.sources.map((one) => ({ ...one, state: "grace" as const }));
    fake.status = { ...fake.status, gate: { ...gate, sources } };
    const { out, code } = await run("asmn status");
    expect(code).toBe(1);
    expect(out).toContain("Alarm: a Sec-EM is out of reach");
  });

  test("ASM-81: an open way in is shown by name until it ends", async () => {
    const { out } = await run("asmn status");
    expect(out).toContain("blue/edge/* by a.operator for 1200 s more: upgrade");
  });

  test("ASM-82: the dry run says who would be gated, and why", async () => {
    const { out } = await run("asmn dry-run");
    expect(out).toMatch(/192\.0\.2\.12 +unknown +would refuse +nobody has proved himself there/);
  });

  test("what is not there is exit code 4, and what is off 5, with what to do", async () => {
    const missing = await run("asmn verify blue/edge/nobody");
    expect([missing.code, missing.err]).toEqual([
      4,
      "evpnctl: there is no instance blue/edge/nobody\n",
    ]);
    expect((await run("asmn verify blue/edge")).code).toBe(2);
  });
});

describe("what is changed", () => {
  test("ASM-71: revoke, restore and verify, with who did it", async () => {
    const revoked = await run(["asmn", "revoke", "blue/edge", "--reason", "key lost"]);
    expect(revoked.out).toBe("blue/edge: 2 instances revoked\n");
    const restored = await run(["asmn", "restore", "blue/edge/edge-1", "--reason", "found"]);
    expect(restored.out).toBe("blue/edge/edge-1: 1 instance may prove themselves again\n");
    expect(restored.err).toContain("lost at a restart");
    expect((await run("asmn verify blue/edge/edge-1")).out).toContain("has proved itself anew");
    expect(fake.asked).toEqual([
      "revoke blue key lost by operator:local at 127.0.0.1",
      "restore blue found by operator:local at 127.0.0.1",
      "verify edge-1 by operator:local at 127.0.0.1",
    ]);
    expect((await run("asmn revoke blue")).code).toBe(2);
  });

  test("ASM-74: a token is shown once, on standard output, and in no list", async () => {
    const issued = await run(`asmn token issue blue/edge/edge-1 --image ${DIGEST}`);
    expect(issued.out).toBe(`${TOKEN_SECRET}\n`);
    expect(issued.err).not.toContain(TOKEN_SECRET);
    for (const words of LOOKS) {
      const { out, err } = await run(`asmn ${words} --json`);
      expect(out + err).not.toContain(TOKEN_SECRET);
    }
  });

  test("a token's session is what the descriptor says unless the command says otherwise", async () => {
    await run(`asmn token issue blue/edge/edge-1 --image ${DIGEST}`);
    await run(`asmn token issue blue/edge/edge-1 --image ${DIGEST} --binding tcp-md5`);
    await run(`asmn token issue blue/edge/edge-1 --image ${DIGEST} --address 192.0.2.99`);
    expect(fake.asked.map((line) => line.split(" ").slice(0, 3).join(" "))).toEqual([
      "token edge-1 as",
      "token edge-1 192.0.2.11",
      "token edge-1 192.0.2.99",
    ]);
  });

  test("ASM-01, ASM-32: a VNF is added with its catalog lines and forgotten again, by the VNFM", async () => {
    const path = file("relay.yaml", LINES.replace("from: edge", "from: relay"));
    const words = ["asmn", "vnfs", "add", "blue/relay", "--address", "192.0.2.13", "2001:db8::13"];
    const options = ["--role", "relay", "--as", "65000", "--root-of-trust", "tpm"];
    const more = ["--max-instances", "3", "--binding", "tcp-md5", "--catalog", path];
    const change = ["--allowed-change", "file:/etc/frr/*.sav", "process:watchfrr"];
    const added = await run([...words, ...options, ...more, ...change]);
    expect([added.code, added.err]).toEqual([0, ""]);
    expect(added.out).toMatch(/blue\/edge +edge +address +configuration/);
    expect(fake.registered).toMatchObject({
      tenant: "blue",
      descriptor: {
        ...{ name: "relay", role: "relay", addresses: ["192.0.2.13", "2001:db8::13"], as: 65000 },
        ...{ binding: "tcp-md5", rootOfTrust: "tpm", maxInstances: 3, routerId: undefined },
        manifest: { allowedChanges: ["file:/etc/frr/*.sav", "process:watchfrr"] },
      },
      catalog: [{ from: "relay", to: "store", port: 8000, portEnd: 8099 }],
    });
    const json = await run([...words, "--json"]);
    expect(JSON.parse(json.out)).toMatchObject({ tenant: "blue", source: "configuration" });
    expect(fake.registered?.descriptor).toMatchObject({ role: "edge", rootOfTrust: "none" });
    const removed = await run("asmn vnfs remove blue/relay");
    expect(removed.out).toBe("blue/relay is forgotten\n");
    expect(JSON.parse((await run("asmn vnfs remove blue/relay --json")).out)).toEqual({
      done: ["blue/relay is forgotten"],
    });
    expect(fake.asked).toEqual([
      ...Array<string>(2).fill("register relay by operator:local at 127.0.0.1"),
      ...Array<string>(2).fill("remove relay by operator:local at 127.0.0.1"),
    ]);
    expect((await run("asmn vnfs add blue/relay")).code).toBe(2);
    expect((await run("asmn vnfs remove blue")).code).toBe(2);
  });

  test("ASM-68: a TPM's key is registered with its PCRs, listed, and removed", async () => {
    const key = file("ak.pem", "-----BEGIN PUBLIC KEY-----\n");
    const words = [
      "asmn",
      "tpm",
      "register",
      "rack-7",
      "blue/edge/edge-1",
      "--attestation-key",
      key,
    ];
    const made = await run([...words, "--pcr", `0=${DIGEST.toUpperCase()}`, "14=image"]);
    expect([made.code, made.err]).toEqual([0, ""]);
    expect(made.out).toMatch(/rack-7 +blue\/edge\/edge-1 +abababababab +0,14=image +9c9c/);
    expect((await run("asmn tpm remove rack-7")).out).toBe("TPM key rack-7 counts no more\n");
    expect(fake.asked).toEqual([
      `tpm rack-7 0=${DIGEST} 14=image by operator:local at 127.0.0.1`,
      "tpm-remove rack-7 by operator:local at 127.0.0.1",
    ]);
    const wrong = await run([...words, "--pcr", "0=zero"]);
    expect([wrong.code, wrong.err]).toEqual([
      2,
      'evpnctl: "0=zero" is not NUMBER=64 hexadecimal digits or NUMBER=image\n',
    ]);
    expect((await run(words)).code).toBe(2);
    expect((await run([...words.with(4, "blue"), "--pcr", "1=image"])).code).toBe(2);
    expect((await run([...words.with(6, "/nowhere"), "--pcr", "1=image"])).err).toContain("ENOENT");
  });

  test("ASM-70: a catalog is compared before it is applied", async () => {
    const path = file("catalog.yaml", LINES);
    const diff = await run(["asmn", "catalog", "diff", "blue", path]);
    expect(diff.out).toBe("~ edge > store tcp 8000-8099 (10Mbit, burst 65536, 50/s -> 5Mbit)\n");
    const empty = file("empty.yaml", "catalog: []\n");
    expect((await run(["asmn", "catalog", "diff", "blue", empty])).out).toContain(
      "- edge > store tcp 8000-8099",
    );
    expect(fake.asked).toEqual([]);
    const applied = await run(["asmn", "catalog", "apply", "blue", path]);
    expect(applied.out).toContain("blue: version 3");
    expect(fake.asked).toEqual(["catalog blue 1 by operator:local at 127.0.0.1"]);
  });

  test("a catalog with a fault is told by line, and not sent", async () => {
    const path = file("bad.yaml", LINES.replace("5Mbit", "5M").replace("tcp", "tpc"));
    const { code, err } = await run(["asmn", "catalog", "apply", "blue", path]);
    expect(code).toBe(1);
    expect(err).toContain(`${path}:2:`);
    expect(err).toContain('did you mean "tcp"?');
    expect(err).toContain("write 500kbit, 10Mbit or 1Gbit");
    expect(fake.asked).toEqual([]);
  });

  test("ASM-78, ASM-79: images with an overlap; keys rotated, or withdrawn", async () => {
    const words = ["asmn", "image", "register", "blue/edge", DIGEST, "--release", "1.1"];
    expect((await run([...words, "--overlap", "2h"])).out).toMatch(/1\.0 +build +01:00:00 +for/);
    expect((await run("asmn keys rotate --withdraw")).out).toContain("root (pinned");
    expect(fake.asked.at(-1)).toBe("rotate true by operator:local at 127.0.0.1");
  });

  test("ASM-81: break-glass takes a name, a reason and a time; its document goes to other gates", async () => {
    const open = ["asmn", "break-glass", "open", "blue/edge", "--name", "a.operator"];
    expect((await run(open)).code).toBe(2);
    const { out } = await run([...open, "--reason", "upgrade", "--for", "30m"]);
    expect(out).toBe("d0c0\n");
    const admitted = await run("asmn break-glass admit", { stdin: out });
    expect(admitted.out).toContain("blue/edge/* is let in by a.operator for 00:20:00 (serial 4)");
    // Where BGP is gated, and where traffic is.
    expect(fake.asked.slice(-2)).toEqual(["admit 0MA=", "admit traffic 0MA="]);
    expect((await run("asmn break-glass revoke 4")).code).toBe(0);
    expect(fake.asked.slice(-2)).toEqual(["end traffic 4", "end 4"]);
    expect((await run("asmn gateway")).out).toContain("blue/edge/* from 10.0.0.9 by a.operator");
    expect((await run("asmn break-glass admit", { stdin: "" })).code).toBe(2);
  });

  test("ASM-01: a client with a role acts in it, and others may not", async () => {
    fake.roles = { vim: ["nfvo"], vnfm: [] };
    const { code, err } = await run(`asmn token issue blue/edge/edge-1 --image ${DIGEST}`);
    expect([code, err]).toEqual([
      5,
      "evpnctl: local may not do that: asmn.sec-em.roles.vim names who may\n",
    ]);
    fake.roles = { vim: ["local"], vnfm: [] };
    await run(`asmn token issue blue/edge/edge-1 --image ${DIGEST}`);
    expect(fake.asked.at(-1)).toContain("by vim:local");
    // What is nobody's duty in particular is refused by the Sec-EM, which is told the role.
    await run(["asmn", "revoke", "blue", "--reason", "x"]);
    expect(fake.asked.at(-1)).toContain("by vim:local");
  });

  test("the gateway is repaired, taken out, and closed again", async () => {
    for (const action of ["repair", "remove", "install"]) await run(`asmn gateway ${action}`);
    expect(fake.asked).toEqual(
      ["repair", "remove", "install"].map((action) => `${action} local at 127.0.0.1`),
    );
    expect((await run("asmn gateway rules")).out).toBe("table inet evpnd_asmn {}\n");
  });
});

describe("measure", () => {
  test("ASM-12, ASM-65: here, with progress on standard error and the digest alone on standard output", async () => {
    const image = file("image", "x".repeat(3_000_000));
    const { out, err } = await run(["asmn", "measure", image, "--threads", "0"]);
    expect(out).toMatch(/^[0-9a-f]{64}\n$/);
    expect(err).toContain("100 % of 3.0 MB");
    const json = await run(["asmn", "measure", image, "--threads", "0", "--json"]);
    expect(JSON.parse(json.out)).toMatchObject({ digest: out.trim(), octets: 3_000_000 });
    expect(json.err).toBe("");
  });

  test("where evpnd runs, with progress", async () => {
    const { out, err } = await run("asmn measure edge.qcow2 --remote");
    expect(out).toBe(`${DIGEST}\n`);
    expect(err).toContain("50 % of 1.0 MB");
    expect(fake.asked.at(-1)).toBe("measured");
  });

  test("a file that is not there is a sentence", async () => {
    const { code, err } = await run(["asmn", "measure", join(directory, "none")]);
    expect(code).toBe(1);
    expect(err).toContain("none");
  });
});
