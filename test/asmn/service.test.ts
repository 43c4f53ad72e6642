/** The parts of one daemon held together: begun in order, changed one by one, taken back when one cannot follow. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { AsmnService, type PartStarters } from "../../src/asmn/index.js";
import type { AsmnSettings } from "../../src/asmn/settings.js";
import { silentLog } from "../../src/util/log.js";
import { systemClock } from "../../src/util/clock.js";
import type { DaemonSettings } from "../../src/config/index.js";
import type { TrustGate } from "../../src/contract.js";
import { AsmnSwitch } from "../../src/reload/asmn-switch.js";
import { settingsOf } from "../config/lib/check.js";
import { FakeAsmn } from "../lib/fake-asmn.js";

const HEAD = `as: 65000
router-id: 10.0.0.254
restart: {state-dir: /var/lib/evpnd}
peers: [{address: 10.0.0.1}]
`;
const TENANT = "tenants: [{name: red, vnfs: [{name: pe}]}]";

/** @param blocks of `asmn`, as YAML */
function asmn(blocks: string): AsmnSettings {
  const { asmn: settings } = settingsOf(`${HEAD}asmn: {${blocks}}\n`);
  if (settings === undefined) throw new Error("there is no asmn block");
  return settings;
}

const GATEWAY = "gateway: {tenant: red, interfaces: [{name: eth1}]}";
const ALL = asmn(`sec-em: {${TENANT}}, gate: {}, ${GATEWAY}`);

/** Parts that note what is done to them. */
class Parts {
  readonly done: string[] = [];
  readonly fails = new Set<string>();
  up: () => void = () => {};
  readonly gate = {} as TrustGate;

  readonly start: PartStarters = {
    secEm: (_settings, onUp) => {
      this.up = onUp;
      return this.begin("sec-em", new FakeAsmn().secEm) as ReturnType<PartStarters["secEm"]>;
    },
    gate: (_settings, secEm) =>
      this.begin(`gate${secEm === undefined ? "" : " with sec-em"}`, {
        ...new FakeAsmn().gate,
        gate: this.gate,
      }) as ReturnType<PartStarters["gate"]>,
    gateway: (_settings, secEm) =>
      this.begin(
        `gateway${secEm === undefined ? "" : " with sec-em"}`,
        new FakeAsmn().gateway,
      ) as unknown as ReturnType<PartStarters["gateway"]>,
  };

  get parts() {
    return { clock: systemClock, log: silentLog, handOver: () => {}, start: this.start };
  }

  private begin(what: string, members: object): Promise<object> {
    const [name = ""] = what.split(" ");
    const act = (verb: string): Promise<string[]> => {
      this.done.push(`${verb} ${what}`);
      const failing = this.fails.has(`${verb} ${name}`);
      return failing ? Promise.reject(new Error(`${name} cannot`)) : Promise.resolve([verb]);
    };
    const part = {
      ...members,
      configure: (_settings: unknown, secEm: unknown) =>
        act(secEm === undefined ? "configure" : "configure with sec-em,"),
      connectLocal: () => this.done.push(`connect ${name}`),
      stop: () => act("stop"),
      subscribe: () => {},
    };
    return act("start").then(() => part);
  }
}

describe("the parts of a daemon", () => {
  test("ASM-76: the gateway is closed before the Sec-EM is up, and the gate is last", async () => {
    const parts = new Parts();
    await AsmnService.start({ ...parts.parts, settings: ALL });
    expect(parts.done).toEqual([
      "start gateway",
      "start sec-em",
      "start gate with sec-em",
      "configure with sec-em, gateway",
    ]);
  });

  test("one that cannot begin ends those that have", async () => {
    const parts = new Parts();
    parts.fails.add("start gate");
    const started = AsmnService.start({ ...parts.parts, settings: ALL });
    await expect(started).rejects.toThrow("gate cannot");
    expect(parts.done.slice(-2)).toEqual(["stop gateway", "stop sec-em"]);
  });

  test("a change of one leaves the others alone", async () => {
    const parts = new Parts();
    const service = await AsmnService.start({ ...parts.parts, settings: ALL });
    parts.done.length = 0;
    expect(await service.configure(structuredClone(ALL))).toEqual([]);
    expect(parts.done).toEqual([]);
    await service.configure(asmn(`sec-em: {${TENANT}}, gate: {grace-seconds: 7}, ${GATEWAY}`));
    expect(parts.done).toEqual(["configure with sec-em, gate with sec-em"]);
    parts.done.length = 0;
    await service.configure(
      asmn(`sec-em: {${TENANT}, renewal-seconds: 20}, gate: {grace-seconds: 7}, ${GATEWAY}`),
    );
    expect(parts.done).toEqual(["configure sec-em"]);
  });

  test("a Sec-EM of another name is another one: who listens to it listens anew", async () => {
    const parts = new Parts();
    const service = await AsmnService.start({ ...parts.parts, settings: ALL });
    parts.done.length = 0;
    await service.configure(asmn(`sec-em: {${TENANT}, name: other}, gate: {}, ${GATEWAY}`));
    expect(parts.done).toEqual([
      "stop sec-em",
      "start sec-em",
      "configure with sec-em, gate with sec-em",
      "configure with sec-em, gateway",
    ]);
    parts.done.length = 0;
    parts.up();
    expect(parts.done).toEqual(["connect gate", "connect gateway"]);
  });

  test("a part goes, and comes", async () => {
    const parts = new Parts();
    const service = await AsmnService.start({ ...parts.parts, settings: ALL });
    parts.done.length = 0;
    const lines = await service.configure(asmn(`sec-em: {${TENANT}}, gate: {}`));
    expect(lines.join()).toContain("its rules stay");
    expect(parts.done).toEqual(["stop gateway"]);
    expect(service.gateway).toBeUndefined();
    await service.configure(ALL);
    expect(parts.done.slice(1)).toEqual(["start gateway with sec-em"]);
    expect((await service.keys()).map(({ use }) => use)).toContain("gate");
  });
});

describe("over reloads", () => {
  const of = (settings: AsmnSettings | undefined) => ({ asmn: settings }) as DaemonSettings;

  function switchOf(parts: Parts) {
    const attached: (TrustGate | undefined)[] = [];
    const asmnSwitch = new AsmnSwitch({
      ...parts.parts,
      attach: (gate) => void attached.push(gate),
    });
    return { asmnSwitch, attached };
  }

  test("the speaker asks the gate while there is one, and is told once", async () => {
    const parts = new Parts();
    const { asmnSwitch, attached } = switchOf(parts);
    await asmnSwitch.start(undefined);
    expect(await asmnSwitch.apply(of(undefined), of(ALL))).toEqual(["trust checks on"]);
    expect(await asmnSwitch.apply(of(ALL), of(structuredClone(ALL)))).toEqual([]);
    await asmnSwitch.apply(of(ALL), of(asmn(`sec-em: {${TENANT}}`)));
    await asmnSwitch.apply(of(asmn(`sec-em: {${TENANT}}`)), of(undefined));
    expect(attached).toEqual([parts.gate, undefined]);
    expect(asmnSwitch.service).toBeUndefined();
  });

  test("what cannot be done is taken back, and the gate that was is asked again", async () => {
    const parts = new Parts();
    const { asmnSwitch, attached } = switchOf(parts);
    await asmnSwitch.start(ALL);
    const next = asmn(`sec-em: {${TENANT}}, gate: {state-directory: /elsewhere}, ${GATEWAY}`);
    parts.fails.add("start gate");
    await expect(asmnSwitch.apply(of(ALL), of(next))).rejects.toThrow("gate cannot");
    parts.fails.clear();
    await asmnSwitch.apply(of(next), of(ALL));
    expect(attached.at(-1)).toBe(parts.gate);
    expect(asmnSwitch.service?.trustGate).toBe(parts.gate);
  });
});

describe("images measured by a call", () => {
  const directory = mkdtempSync(join(tmpdir(), "asmn-images-"));
  afterAll(() => rmSync(directory, { recursive: true }));

  test("only those of the image directory, wherever links and dots lead", async () => {
    const images = join(directory, "images");
    mkdirSync(images);
    writeFileSync(join(directory, "secret"), "nobody measures this");
    symlinkSync(join(directory, "secret"), join(images, "link"));
    const settings = asmn(`sec-em: {${TENANT}, image-directory: "${images}"}`);
    const service = await AsmnService.start({ ...new Parts().parts, settings });
    for (const name of ["../secret", "link", "none", ".", join(directory, "secret")]) {
      const refused = service.startMeasure(name);
      await expect(refused, name).rejects.toMatchObject({ code: "not-found" });
    }
    const without = await AsmnService.start({
      ...new Parts().parts,
      settings: asmn(`sec-em: {${TENANT}}`),
    });
    await expect(without.startMeasure("a")).rejects.toMatchObject({ code: "off" });
    await service.stop();
  });
});
