/** evpnctl ipsec render and import against the HTTP door, with the shipped examples and a small secret store behind. */
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parse } from "yaml";
import { openHttpDoor, type HttpDoor } from "../../src/api/index.js";
import type { ImportAnswer, RenderingAnswer } from "../../src/cli/ipsec-vendor-wire.js";
import {
  LocalVendors,
  type SecretFacts,
  type SetSecret,
  type Rendering,
} from "../../src/ipsec/index.js";
import { EMPTY_MODEL } from "../../src/ipsec/model/index.js";
import type { Log } from "../../src/util/log.js";
import { SecretStore } from "../../src/ipsec/secrets/index.js";
import { systemClock } from "../../src/util/clock.js";
import { silentLog } from "../../src/util/log.js";
import { canary, canaryIn } from "../lib/canary.js";
import { shipped } from "../ipsec/vendors/lib/orders.js";
import { FakeControl } from "../lib/fake-control.js";
import { evpnctl } from "./lib/host.js";

/** What the door answers is what evpnctl reads: this fails to compile when it is not. */
export const fits: (rendering: Rendering) => RenderingAnswer = (rendering) => rendering;

/** Keys that were stored: here a test may look. */
class FakeStore {
  readonly stored: SetSecret[] = [];

  facts(name: string): SecretFacts | undefined {
    const there = name === "hq-branch-7-key" || this.stored.some((one) => one.name === name);
    if (!there) return undefined;
    return {
      name,
      kind: "psk",
      origin: "given",
      bits: 128,
      fingerprint: "c0ffee00",
      created: 0,
      live: 1,
      olderUntil: undefined,
      algorithm: undefined,
      notAfter: undefined,
      seenInClear: false,
    };
  }

  set(order: SetSecret): Promise<SecretFacts> {
    this.stored.push(order);
    const facts = this.facts(order.name);
    return facts === undefined ? Promise.reject(new Error("lost")) : Promise.resolve(facts);
  }
}

const FIXTURE = "test/ipsec/fixtures/ssg-branch.printed.txt";
const directory = mkdtempSync(join(tmpdir(), "evpnd-vendors-"));
let store: FakeStore;
let secrets: SecretStore;
let logged: string[];
let door: HttpDoor | undefined;
let url: string;

beforeEach(async () => {
  store = new FakeStore();
  logged = [];
  const note = (...words: unknown[]) => void logged.push(JSON.stringify(words));
  const log: Log = { ...silentLog, info: note, warn: note, error: note };
  secrets = await SecretStore.open({
    settings: { file: join(directory, "secrets"), keyFile: undefined },
    users: () => [],
    clock: systemClock,
    log,
  });
  const backend = {
    control: new FakeControl(),
    ipsecVendors: new LocalVendors({
      candidate: () => shipped("ipsec-ssg.yaml"),
      installed: () => EMPTY_MODEL,
      secrets: () => store,
    }),
    ipsecSecrets: secrets,
    log,
    reload: () => Promise.resolve({ ok: true, lines: [] }),
    metrics: () => Promise.resolve({ contentType: "text/plain", text: "" }),
  };
  const listen = { address: "127.0.0.1", port: 0 };
  door = await openHttpDoor(backend, { listen, allowedHosts: [] });
  url = `http://${door?.address}`;
});
afterEach(async () => {
  await door?.close();
  rmSync(directory, { recursive: true, force: true });
});

const run = (words: string) => evpnctl(words, { url });

test("IPS-86: render shows the text with placeholders, and what is beside it on the other stream", async () => {
  const { code, out, err } = await run("ipsec render branch-ssg");
  expect(code).toBe(0);
  expect(out).toMatch(
    /^### branch-ssg\.screenos\.txt\nset interface "ethernet0\/0" zone "Untrust"\n/,
  );
  expect(out).toContain('preshare "<secret:hq-branch-7-key#c0ffee00>"');
  expect(err).toContain("Secrets to put in: hq-branch-7-key\n");
  for (const line of err.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
});

test("IPS-04: render as another vendor, as JSON, into files of mode 0600", async () => {
  const { code, out } = await run(
    `ipsec render hq-ssg --vendor junos --json --out ${directory}/texts`,
  );
  expect(code).toBe(0);
  const answer = JSON.parse(out) as RenderingAnswer;
  expect(answer.vendor).toBe("junos");
  const [file] = answer.files;
  const path = join(directory, "texts", file?.name ?? "");
  expect(readFileSync(path, "utf8")).toBe(file?.text);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("IPS-86: with secrets a rendering goes into a file of mode 0600 where evpnd is, and into no answer or log", async () => {
  const value = canary("branch");
  await secrets.set({ name: "hq-branch-7-key", kind: "psk", value, actor: "test" });
  const { code, out, err } = await run("ipsec render branch-ssg --with-secrets");
  expect([code, err]).toEqual([0, ""]);
  const path = out.trim();
  expect(path).toContain(join(directory, "exported", "branch-ssg-"));
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(join(directory, "exported")).mode & 0o777).toBe(0o700);
  expect(readFileSync(path, "utf8")).toContain(`preshare "${value}"`);
  expect(logged.join()).toContain("exported in a text of branch-ssg");
  const answered = await run("ipsec render branch-ssg --with-secrets --json");
  expect(JSON.parse(answered.out)).toMatchObject({ gateway: "branch-ssg", left: [] });
  expect(canaryIn([out, err, answered.out, ...logged].join())).toBeUndefined();
  const both = await run(`ipsec render branch-ssg --with-secrets --out ${directory}/x`);
  expect(both.code).toBe(2);
});

test("IPS-86: a key that a vendor would have to escape, or that is not there, stays a placeholder, and is named", async () => {
  const missing = await run("ipsec render branch-ssg --with-secrets");
  expect(missing.err).toContain("Secrets to put in: hq-branch-7-key");
  const value = canary('a "quoted" one');
  await secrets.set({ name: "hq-branch-7-key", kind: "psk", value, actor: "test" });
  const { out, err } = await run("ipsec render branch-ssg --with-secrets");
  expect(err).toContain("Secrets to put in: hq-branch-7-key");
  expect(canaryIn(readFileSync(out.trim()))).toBeUndefined();
});

test("a tunnel that a vendor cannot be told: exit code 1, and why", async () => {
  const { code, err } = await run("ipsec render hq-ssg --vendor pix");
  expect(code).toBe(1);
  expect(err).toMatch(/error: hq-branch-7: PIX OS has no route-based tunnels/);
});

test("a gateway that there is not; nothing installed yet", async () => {
  const unknown = await run("ipsec render nobody");
  expect(unknown.code).toBe(4);
  expect(unknown.err).toContain('there is no gateway "nobody"; there are hq-ssg, branch-ssg');
  const installed = await run("ipsec render hq-ssg --installed");
  expect(installed.code).toBe(4);
  expect(installed.err).toContain("evpnctl ipsec install");
});

test("IPS-76: import gives a configuration, and says what became of each line", async () => {
  const { code, out, err } = await run(`ipsec import screenos ${FIXTURE} --gateway branch`);
  expect(code).toBe(0);
  const { ipsec } = parse(out) as { ipsec: { tunnels: { name: string; psk: string }[] } };
  expect(ipsec.tunnels).toMatchObject([{ name: "To_HQ-VPN", psk: "To_HQ-VPN", profile: "ssg" }]);
  expect(err).toMatch(/line 26: warning: the name "Branch-7 net" has 2 words/);
  expect(err).toContain("lines 18-19: info");
  expect(err).toMatch(/0 errors, \d+ warnings, \d+ remarks\n$/);
  for (const line of err.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
});

test("IPS-86: a key in clear goes into the store when asked, and nowhere else", async () => {
  const asked = await run(`ipsec import screenos ${FIXTURE} --store-secrets --json`);
  expect((JSON.parse(asked.out) as ImportAnswer).secrets).toEqual([
    { name: "To_HQ-VPN", from: 18, found: "shown", stored: true },
  ]);
  expect(store.stored).toMatchObject([
    { name: "To_HQ-VPN", value: "MySecretKey", origin: "imported", seenInClear: true },
  ]);
  const again = await run(`ipsec import screenos ${FIXTURE} --store-secrets`);
  expect(again.err).toContain('there is a secret "To_HQ-VPN" already');
  expect(store.stored).toHaveLength(1);
  for (const { out, err } of [asked, again]) expect(out + err).not.toContain("MySecretKey");
  expect(logged.join("\n")).toContain("ImportGateway");
  expect(logged.join("\n")).not.toContain("MySecretKey");
});

test("kept lines go into a file, and come back with a rendering", async () => {
  const file = join(directory, "kept.txt");
  const text = 'set admin name "root"\n' + readFileSync(FIXTURE, "utf8");
  const imported = await evpnctl(
    ["ipsec", "import", "screenos", "-", "--quiet", "--kept", `${directory}.kept`],
    { url, stdin: text },
  );
  expect(imported.code).toBe(0);
  expect(imported.err).not.toContain("kept as it is");
  expect(readFileSync(`${directory}.kept`, "utf8")).toBe('set admin name "root"\n');
  const { out } = await run(`ipsec render branch-ssg --kept ${directory}.kept`);
  expect(out).toMatch(/^### .*\nset admin name "root"\n/);
  rmSync(`${directory}.kept`);
  expect(file).toContain("kept");
});

test("a fault in the text: exit code 1, with the line", async () => {
  const { code, err } = await evpnctl(["ipsec", "import", "pix", "-"], {
    url,
    stdin: "crypto map m 10 set peer\n",
  });
  expect(code).toBe(1);
  expect(err).toMatch(/line 1: error: the command cannot be taken: the peer's address is missing/);
});

test("without IPsec: what to do", async () => {
  await door?.close();
  const backend = {
    control: new FakeControl(),
    log: silentLog,
    reload: () => Promise.resolve({ ok: true, lines: [] }),
    metrics: () => Promise.resolve({ contentType: "text/plain", text: "" }),
  };
  door = await openHttpDoor(backend, {
    listen: { address: "127.0.0.1", port: 0 },
    allowedHosts: [],
  });
  const { code, err } = await evpnctl("ipsec render x", { url: `http://${door?.address}` });
  expect(code).toBe(5);
  expect(err).toContain("the configuration has no ipsec block");
});
