/** An agent in this process, in a directory of its own, with what it has said and what its status says. */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { AgentHome, runAgent } from "../../../../src/asmn/agent/index.js";
import type { AgentEnd, AgentSettings, AgentStatus } from "../../../../src/asmn/agent/index.js";
import { toHex } from "../../../../src/util/bytes.js";
import { systemClock, type Clock } from "../../../../src/util/clock.js";
import type { Log } from "../../../../src/util/log.js";
import { waitFor } from "../../../interop/lib/wait.js";

let top: string | undefined;

export function scratch(): string {
  top ??= mkdtempSync(join(tmpdir(), "evpnd-agent-"));
  return top;
}

export function removeScratch(): void {
  if (top !== undefined) rmSync(top, { recursive: true, force: true });
  top = undefined;
}

let made = 0;

export class AgentRun {
  readonly settings: AgentSettings;
  readonly lines: string[] = [];
  clock: Clock = systemClock;
  private stopNow: AbortController | undefined;
  private ended: Promise<AgentEnd> | undefined;
  /** Every state that was reported, in order. */
  readonly states: string[] = [];

  constructor(
    names: { tenant: string; vnf: string; instance: string },
    ports: readonly number[],
    rootKey: string,
    more: Partial<AgentSettings> = {},
  ) {
    const directory = join(scratch(), `${names.instance}-${String(++made)}`);
    new AgentHome(directory);
    const image = join(scratch(), "image");
    if (!existsSync(image)) writeFileSync(image, "the genuine image");
    this.settings = {
      ...names,
      stateDirectory: directory,
      secEms: ports.map((port) => ({ address: "127.0.0.1", port })),
      rootKeys: [rootKey],
      tokenFile: join(directory, "token"),
      // In this thread: tests run from the sources, threads from what is built.
      image: { path: image, threads: 0, recheckSeconds: 86_400 },
      manifest: { files: [], processes: [], configuration: [], allowed: [] },
      renewalSeconds: undefined,
      root: { kind: "none" },
      binding: { kind: "address" },
      traffic: undefined,
      statusFile: undefined,
      ...more,
    };
  }

  get publicKey(): string {
    return toHex(new AgentHome(this.settings.stateDirectory).key().publicKey);
  }

  giveToken(text: string): void {
    writeFileSync(join(this.settings.stateDirectory, "token"), text, { mode: 0o600 });
  }

  hasToken(): boolean {
    return existsSync(join(this.settings.stateDirectory, "token"));
  }

  start(once = false): void {
    this.stopNow = new AbortController();
    const note = (fields: object, message: string): void => {
      this.lines.push(`${JSON.stringify(fields)} ${message}`);
    };
    const log: Log = { debug: note, info: note, warn: note, error: note };
    const { settings, clock } = this;
    const { signal } = this.stopNow;
    this.ended = runAgent({ settings, clock, log, once, signal });
    this.ended.catch(() => undefined);
  }

  once(): Promise<AgentEnd> {
    this.start(true);
    return this.ended ?? Promise.reject(new Error("not started"));
  }

  async stop(): Promise<void> {
    this.stopNow?.abort();
    await this.ended;
    this.stopNow = undefined;
  }

  status(): AgentStatus {
    const path = join(this.settings.stateDirectory, "status.json");
    return JSON.parse(readFileSync(path, "utf8")) as AgentStatus;
  }

  waitFor(what: string, is: (status: AgentStatus) => boolean): Promise<AgentStatus> {
    return waitFor(
      `${this.settings.instance} ${what}`,
      () => {
        const status = this.status();
        if (is(status)) return status;
        throw new Error(`${status.state} (${status.reason}): ${status.sentence}`);
      },
      { every: 5 },
    );
  }

  waitTrusted(): Promise<AgentStatus> {
    return this.waitFor("to be trusted", ({ state }) => state === "trusted");
  }

  /** A copy of its directory, as a snapshot or a thief has it. */
  copy(): AgentRun {
    const { tenant, vnf, instance, secEms, rootKeys } = this.settings;
    const ports = secEms.map(({ port }) => port);
    const { image, binding, traffic } = this.settings;
    const more = { image, binding, traffic };
    const twin = new AgentRun({ tenant, vnf, instance }, ports, rootKeys[0] ?? "", more);
    // As it is elsewhere, where nobody has the lock.
    const filter = (path: string): boolean => !basename(path).startsWith("agent.lock.");
    cpSync(this.settings.stateDirectory, twin.settings.stateDirectory, { recursive: true, filter });
    return twin;
  }
}
