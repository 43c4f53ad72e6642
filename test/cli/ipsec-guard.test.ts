/** evpnctl ipsec guard against the HTTP door, with a packet filter that is made up. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { openHttpDoor, type HttpDoor } from "../../src/api/index.js";
import { GuardError, type GuardControl, type GuardView } from "../../src/ipsec/index.js";
import { silentLog } from "../../src/util/log.js";
import { FakeControl } from "../lib/fake-control.js";
import { evpnctl } from "./lib/host.js";

const VIEW: GuardView = {
  installed: true,
  prefixes: ["10.2.0.0/16", "10.3.0.0/24"],
  unused: ["10.3.0.0/24"],
  leaving: 7,
  arriving: 2,
  script: "add table inet evpnd_guard\n",
};

/** Knows one tunnel, which needs 10.2.0.0/16. */
class FakeGuard implements GuardControl {
  readonly released: (readonly string[])[] = [];

  status(): Promise<GuardView> {
    return Promise.resolve(VIEW);
  }

  release(prefixes: readonly string[]): Promise<readonly string[]> {
    if (prefixes.includes("10.2.0.0/16")) {
      return Promise.reject(new GuardError("10.2.0.0/16: remove the tunnel first", "invalid"));
    }
    this.released.push(prefixes);
    return Promise.resolve(prefixes.length === 0 ? VIEW.unused : prefixes);
  }
}

let guard: FakeGuard;
let door: HttpDoor | undefined;

async function open(ipsecGuard: GuardControl | undefined): Promise<void> {
  const backend = {
    control: new FakeControl(),
    ipsecGuard,
    log: silentLog,
    reload: () => Promise.resolve({ ok: true, lines: [] }),
    metrics: () => Promise.resolve({ contentType: "text/plain", text: "" }),
  };
  const listen = { address: "127.0.0.1", port: 0 };
  door = await openHttpDoor(backend, { listen, allowedHosts: [] });
}

beforeEach(async () => {
  guard = new FakeGuard();
  await open(guard);
});
afterEach(() => door?.close());

const run = (words: string) => evpnctl(words, { url: `http://${door?.address}` });

test("IPS-90: what is guarded, and how much was kept from passing", async () => {
  const { out, code } = await run("ipsec guard");
  expect(code).toBe(0);
  expect(out).toContain("guarded:            10.2.0.0/16, 10.3.0.0/24");
  expect(out).toContain("unused:             10.3.0.0/24");
  expect(out).toContain("kept from leaving:  7 packets");
  expect(JSON.parse((await run("ipsec guard --json")).out)).toEqual(VIEW);
});

test("the rules as a script, for the machine's own packet filter", async () => {
  expect((await run("ipsec guard script")).out).toBe(VIEW.script);
});

test("IPS-90: an operator releases what is named, or all that is unused; not what is needed", async () => {
  expect((await run("ipsec guard release 10.3.0.0/24")).out).toBe(
    "10.3.0.0/24 may leave in clear now\n",
  );
  expect((await run("ipsec guard release")).out).toContain("10.3.0.0/24 may leave");
  expect(guard.released).toEqual([["10.3.0.0/24"], []]);
  const refused = await run("ipsec guard release 10.2.0.0/16");
  expect(refused.code).not.toBe(0);
  expect(refused.err).toContain("remove the tunnel first");
});

test("while IPsec is off it says what to do", async () => {
  await door?.close();
  await open(undefined);
  expect((await run("ipsec guard")).err).toContain("add an ipsec block");
});
