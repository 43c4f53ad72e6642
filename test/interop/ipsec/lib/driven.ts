/**
 * A gateway driven from the test's own process: the driver speaks to the daemon of the site over its socket,
 * and its guard works in the site's namespace. What a whole evpnd does with them is shown in tests that
 * start one.
 */
import { spawn } from "node:child_process";
import { Guard, GuardError, type Nft } from "../../../../src/ipsec/guard/index.js";
import { Driver, type DriverEvent } from "../../../../src/ipsec/live/index.js";
import type { TunnelSide } from "../../../../src/ipsec/model/index.js";
import type { SecretFacts } from "../../../../src/ipsec/secrets/control.js";
import type { InstallOutcome } from "../../../../src/ipsec/staging/control.js";
import { systemClock } from "../../../../src/util/clock.js";
import { silentLog } from "../../../../src/util/log.js";
import type { Lab } from "../../lib/lab.js";
import { waitFor } from "../../lib/wait.js";
import type { Site } from "./tunnel-net.js";

export interface TestSecret {
  /** The newest first. */
  readonly values: readonly string[];
  /** Of a rollover. */
  readonly facts?: SecretFacts;
}

/** Secrets of a test, by name. */
export type TestSecrets = Map<string, TestSecret>;

const started: Driven[] = [];

export class Driven {
  readonly site: Site;
  readonly driver: Driver;
  readonly guard: Guard;
  readonly events: DriverEvent[] = [];
  private sides: readonly TunnelSide[] = [];

  constructor(lab: Lab, site: Site, secrets: TestSecrets) {
    this.site = site;
    this.guard = new Guard(nftIn(lab.name(site.name)));
    this.driver = new Driver({
      socket: site.swan?.socket ?? "",
      clock: systemClock,
      log: silentLog,
      secrets: {
        live: (name) => (secrets.get(name)?.values ?? []).map((value) => Buffer.from(value)),
        facts: (name) => secrets.get(name)?.facts,
      },
      guard: this.guard,
    });
    this.driver.subscribe((event) => {
      this.events.push(event);
    });
    this.driver.start();
    started.push(this);
  }

  /** Installs these sides of the site's gateway. */
  async install(sides: readonly TunnelSide[]): Promise<InstallOutcome> {
    const before = this.sides;
    this.sides = sides;
    await waitFor(`${this.site.name}'s daemon`, () => this.driver.daemon().connected);
    return this.driver.install(
      {
        revision: 1,
        reason: "install",
        before,
        after: sides,
        added: [],
        removed: [],
        changed: [],
      },
      () => {},
    );
  }

  /** Until the tunnels, all or those named, are up. */
  async waitUp(...names: readonly string[]): Promise<void> {
    await waitFor(`tunnels of ${this.site.name} to be up`, () => {
      const tunnels = this.driver
        .tunnels()
        .filter(({ tunnel }) => names.length === 0 || names.includes(tunnel));
      const down = tunnels.filter(({ up }) => !up);
      if (tunnels.length === 0 || down.length > 0) {
        throw new Error(
          down.map(({ tunnel, problem }) => `${tunnel}: ${problem ?? "down"}`).join(),
        );
      }
      return true;
    });
  }

  /** All of this test file. */
  static async stopAll(): Promise<void> {
    await Promise.all(started.splice(0).map(({ driver }) => driver.stop()));
  }
}

/** `nft` in a namespace. */
export function nftIn(namespace: string): Nft {
  return (args, input) =>
    new Promise((resolve, reject) => {
      const child = spawn("ip", ["netns", "exec", namespace, "nft", ...args], {
        stdio: ["pipe", "pipe", "pipe"],
      });
      let [out, complaint] = ["", ""];
      child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString("utf8")));
      child.stderr.on("data", (chunk: Buffer) => (complaint += chunk.toString("utf8")));
      child.on("error", reject);
      child.on("close", (code) => (code === 0 ? resolve(out) : reject(new GuardError(complaint))));
      child.stdin.on("error", () => {
        // It ended without reading: its exit code tells.
      });
      child.stdin.end(input);
    });
}
