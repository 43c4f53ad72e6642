/** The verbs that ask the FIB, against the HTTP door with a real FIB behind. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openHttpDoor } from "../../src/api/index.js";
import type { HttpDoor } from "../../src/api/index.js";
import type {
  DomainAnswer,
  ExplanationAnswer,
  MacAnswer,
  SegmentAnswer,
} from "../../src/cli/fib-wire.js";
import type { DomainView, Explanation, MacView, SegmentView } from "../../src/fib/index.js";
import { silentLog } from "../../src/util/log.js";
import { FakeControl } from "../lib/fake-control.js";
import { addMacs, DUAL, ESI, HOST, SHARED, smallFib } from "../lib/fib.js";
import type { SmallFib } from "../lib/fib.js";
import type { TraceAnswer } from "../../src/cli/what-if-wire.js";
import { ethernetSegment } from "../fib/lib/route.js";
import { evpnctl } from "./lib/host.js";

/** What the door answers is what evpnctl reads: this fails to compile when it is not. */
export const fits: [
  (view: MacView) => MacAnswer,
  (view: DomainView) => DomainAnswer,
  (view: SegmentView) => SegmentAnswer,
  (view: Explanation) => ExplanationAnswer,
] = [(view) => view, (view) => view, (view) => view, (view) => view];

let small: SmallFib;
let door: HttpDoor | undefined;
let url: string;

async function open(on: boolean): Promise<void> {
  small = smallFib();
  const backend = {
    control: new FakeControl(),
    get fib() {
      return on ? small.control : undefined;
    },
    log: silentLog,
    reload: () => Promise.resolve({ ok: true, lines: [] }),
    metrics: () => Promise.resolve({ contentType: "text/plain", text: "" }),
  };
  const listen = { address: "127.0.0.1", port: 0 };
  door = await openHttpDoor(backend, { listen, allowedHosts: [] });
  url = `http://${door?.address}`;
}
beforeEach(() => open(true));
afterEach(() => door?.close());

const run = (words: string) => evpnctl(words, { url, now: 1_700_000_060_000 });

describe("show mac", () => {
  test("a table", async () => {
    const { code, out } = await run("show mac --domain 65000:100");
    expect(code).toBe(0);
    const lines = out.split("\n");
    expect(lines[0]).toBe("MAC                Domain     PE           Label    IP        Since");
    expect(lines).toContain(`${HOST}  65000:100  10.0.0.1     vni 100  10.1.0.1  00:01:00`);
    expect(lines).toContain(`${DUAL}  65000:100  10.0.0.1 +1  vni 100            00:01:00`);
    expect(lines.at(-2)).toBe("3 MACs");
  });

  test("one in full", async () => {
    const { out } = await run(`show mac ${SHARED} --vni 100`);
    expect(out).toContain("At:          10.0.0.2, vni 100\n");
    expect(out).toContain("Moves:       1, mobility sequence 1\n");
    const dual = (await run(`show mac ${DUAL}`)).out;
    expect(dual).toContain("Also at:     10.0.0.2, vni 100, aliased\n");
    expect(dual).toContain(`Segment:     ${ESI}\n`);
  });

  test("thousands have one head", async () => {
    addMacs(small, 2500);
    const lines = (await run("show mac")).out.trimEnd().split("\n");
    expect(lines).toHaveLength(1 + 2505 + 1);
    expect(lines.filter((line) => line.startsWith("MAC "))).toHaveLength(1);
    expect(lines.at(-1)).toBe("2505 MACs");
  });

  test("--json is a line each", async () => {
    const { out } = await run("show mac --json");
    const lines = out.trimEnd().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as MacAnswer).mac).sort()).toEqual(
      [HOST, HOST, SHARED, SHARED, DUAL].sort(),
    );
  });

  test("none says where to look", async () => {
    expect((await run("show mac 00:00:00:00:00:01")).out).toContain("show routes --all --mac");
  });
});

test("show ip", async () => {
  expect((await run("show ip 10.1.0.1")).out).toContain(`MAC:         ${HOST}\n`);
});

test("show domains", async () => {
  expect((await run("show domains")).out).toBe(
    [
      "Domain     VNI  MACs  IPs  Type 3  Service            Route targets",
      "65000:100  100     3    1       2  vlan-based         65000:100",
      "65000:200  200     1    0       0  vlan-based         65000:200",
      "blue/7     300     1    0       0  vlan-aware-bundle  65000:300",
      "",
    ].join("\n"),
  );
});

describe("show es", () => {
  test("PEs and forwarders of all", async () => {
    const { out } = await run("show es");
    expect(out).toContain(`${ESI}  all-active, local-bias, 1 MAC\n`);
    expect(out).toMatch(/^ {2}10\.0\.0\.2 +1 +0$/m);
    expect(out).toMatch(/^ {2}65000:100 +100 +10\.0\.0\.[12] +10\.0\.0\.[12] /m);
    expect(out).not.toContain("Elector");
  });

  test("one of them, with what its PEs announce", async () => {
    const { out } = await run(`show es ${ESI}`);
    expect(out).toMatch(/^ {2}10\.0\.0\.1 +nothing, so modulo +11:22:33:44:55:66$/m);
    expect((await run("show es 00:00:00:00:00:00:00:00:00:01")).code).toBe(4);
    expect((await run("show es here")).err).toContain("is no ESI");
  });

  test("tells where PEs do not agree", async () => {
    const esi = ESI.replaceAll(":", "");
    small.fabric
      .announce(1, ethernetSegment("10.0.0.2:1", esi, "10.0.0.2"), {
        nextHop: "10.0.0.2",
        targets: [],
        esImport: "02:00:00:00:00:01",
        df: [{ alg: 2, bitmap: 0x8000, pref: 300 }],
      })
      .read();
    const { out } = await run(`show es ${ESI}`);
    expect(out).toContain(
      "  65000:100: several PEs forward! 10.0.0.1 takes 10.0.0.1, 10.0.0.2 takes\n",
    );
    expect(out).toMatch(/highest preference 300, don't preempt +02:00:00:00:00:01$/m);
  });
});

test("explain mac", async () => {
  const { code, out } = await run(`explain mac ${SHARED} --domain 65000:100`);
  expect(code).toBe(0);
  expect(out).toContain(`${SHARED} in domain 65000:100\n  ${SHARED} is at 10.0.0.2.\n`);
  expect(out).toContain("*> 2:10.0.0.2:100");
  expect(out).toContain("     PE 10.0.0.2 has the higher sequence\n");
  expect(out).toContain("     PE 10.0.0.1 has a lower sequence (RFC 7432 section 15)\n");
  const json = (await run(`explain mac ${SHARED} --json`)).out;
  expect((JSON.parse(json) as TraceAnswer).explanations).toHaveLength(2);
});

test("all fit 80 columns", async () => {
  for (const words of [
    "show mac",
    "show domains",
    "show es",
    `show es ${ESI}`,
    `explain mac ${DUAL}`,
  ]) {
    for (const line of (await run(words)).out.split("\n")) {
      expect(line.length, line).toBeLessThanOrEqual(80);
    }
  }
});

describe("refusals", () => {
  test("a FIB that is rebuilt in the middle of a list: why it ends, and no more rows", async () => {
    const [before, after] = [smallFib(), smallFib()];
    for (const one of [before, after]) addMacs(one, 300);
    let pages = 0;
    const control = Object.create(after.control) as typeof after.control;
    control.macs = (query) => (pages++ < 2 ? before : after).control.macs(query);
    small = { ...after, control };
    for (const words of ["show mac", "show mac --json"]) {
      pages = 0;
      const { code, out, err } = await run(words);
      expect(code).toBe(5);
      expect(err).toContain("the FIB was rebuilt since the page before; begin again");
      expect(out).not.toContain("rebuilt");
    }
  });

  test("exit codes tell what is not there", async () => {
    expect((await run("explain mac 52:54:00:00:00:09")).code).toBe(4);
    expect((await run("show mac --domain green")).code).toBe(4);
    expect((await run("show mac zz")).code).toBe(2);
    expect(await run("show mac 52:54:00:99:99:99")).toMatchObject({
      code: 4,
      out: expect.stringMatching(/^No such MAC/) as string,
    });
    expect(await run("show mac 52:54:00:99:99:99 --json")).toMatchObject({ code: 4, out: "" });
    expect(await run("show ip 10.99.99.99")).toMatchObject({
      code: 4,
      out: expect.stringMatching(/^No such MAC.*--ip tells/) as string,
    });
    expect(await run("show mac 99:99")).toMatchObject({ code: 0 });
    expect((await run("show mac --vni x")).code).toBe(2);
  });

  test("off: every verb says how to turn it on", async () => {
    await door?.close();
    await open(false);
    for (const words of [
      "show mac",
      "show ip 10.1.0.1",
      "show domains",
      "show es",
      `explain mac ${HOST}`,
    ]) {
      const { code, err } = await run(words);
      expect([words, code]).toEqual([words, 5]);
      expect(err).toContain("the MAC FIB is off: set fib.enabled: true");
    }
  });
});
