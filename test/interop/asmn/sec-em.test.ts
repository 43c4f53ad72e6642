/**
 * The Sec-EM as a process of its own, on a real disk: killed in the middle of renewals, on a disk that is
 * full, and beside another one on its directory.
 */
import { fork, type ChildProcess } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { verifyAuditFiles } from "../../../src/asmn/audit/index.js";
import { generateSigningKey } from "../../../src/asmn/crypto/index.js";
import type {
  IssuedToken,
  ScopeResult,
  SecEm,
  SecEmStatus,
} from "../../../src/asmn/sec-em/control.js";
import type { SecEmSettings } from "../../../src/asmn/settings.js";
import { toHex } from "../../../src/util/bytes.js";
import { systemClock } from "../../../src/util/clock.js";
import { Player } from "../../asmn/sec-em/lib/player.js";
import { IMAGE, OPERATOR, secEmSettings, tenant, VIM, vnf } from "../../asmn/sec-em/lib/world.js";
import { commandSync } from "../lib/command.js";
import { DIST } from "../lib/evpnd.js";
import { Lab } from "../lib/lab.js";
import { describeInterop } from "../lib/suite.js";

const PLAYERS = 12;
const KILLS = 4;

describeInterop("the Sec-EM as a process", [], () => {
  let lab: Lab;
  beforeAll(() => {
    lab = new Lab();
  });
  afterAll(() => lab.close());

  test("ASM-61, ASM-62: killed in the middle of renewals: no counter goes back, nobody is locked out", async () => {
    const directory = lab.makeDirectory("killed");
    let manager = await Manager.start(settingsOf(directory));
    const { players, world } = await played(manager);
    for (const player of players) expect((await player.step()).kind).toBe("done");
    for (let kill = 0; kill < KILLS; kill++) {
      const before = players.map(({ state }) => state.chain?.counter ?? 0);
      let over = false;
      const busy = players.map(async (player) => {
        while (!over) {
          await player.step().catch(() => undefined);
          if (over) return;
        }
      });
      await sleep(40 + kill * 35);
      over = true;
      await manager.kill();
      await Promise.all(busy);
      manager = await Manager.start(settingsOf(directory));
      world.manager = manager;
      for (const [at, player] of players.entries()) {
        player.close();
        const outcome = await player.step();
        expect(outcome).toMatchObject({ kind: "done", result: { state: "trusted" } });
        expect(player.state.chain!.counter).toBeGreaterThan(before[at]!);
      }
    }
    const { rows } = await manager.call<Awaited<ReturnType<SecEm["instances"]>>>("instances", {});
    expect(rows.map(({ state, cloned }) => `${state} ${String(cloned)}`)).toEqual(
      Array<string>(PLAYERS).fill("trusted false"),
    );
    for (const { instance, chain } of rows) {
      const player = players.find(({ options }) => options.instance === instance);
      expect(chain).toBe(player!.state.chain!.counter);
    }
    // Another one on the same directory is told so, and this one does not notice.
    await expect(Manager.start(settingsOf(directory))).rejects.toThrow(/in use by another process/);
    const { rootKey } = await manager.call<SecEmStatus>("status");
    await manager.call("stop");
    const audit = readdirSync(join(directory, "audit")).map((name) =>
      join(directory, "audit", name),
    );
    expect(await verifyAuditFiles(audit.sort(), rootKey)).toMatchObject({ whole: true });
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(statSync(join(directory, "root.pem")).mode & 0o777).toBe(0o600);
    for (const player of players) player.close();
  });

  test("a disk that is full: steps are refused, nothing goes back, and all is well when there is room", async () => {
    const directory = lab.makeDirectory("full");
    commandSync("mount", ["-t", "tmpfs", "-o", "size=6m", "evpnd-test", directory]);
    onTestFinished(() => void commandSync("umount", ["-l", directory]));
    const state = join(directory, "sec-em");
    mkdirSync(state);
    let manager = await Manager.start(settingsOf(state));
    const { players, world } = await played(manager, 2);
    const [first, second] = players as [Player, Player];
    expect((await first.step()).kind).toBe("done");
    const counter = first.state.chain!.counter;
    const filler = join(directory, "filler");
    fill(filler);
    // What the engine has room for in files that it has, it may still take.
    let refused = 0;
    for (let tries = 0; tries < 2000 && refused < 3; tries++) {
      const outcome = await first.step().catch(() => ({ kind: "closed" as const }));
      if (outcome.kind === "done") continue;
      if (outcome.kind === "refused") expect(outcome.reason).toBe("storage");
      refused++;
      first.close();
    }
    expect(refused).toBe(3);
    expect(await second.step()).toMatchObject({ kind: "refused", reason: "storage" });
    const status = await manager.call<SecEmStatus>("status");
    expect(status.alarms.join()).toMatch(/free disk space/);
    const row = (await manager.call<Awaited<ReturnType<SecEm["instances"]>>>("instances", {})).rows;
    expect(row.find(({ instance }) => instance === "i1")).toMatchObject({ state: "unknown" });
    // A revocation finds its place all the same, and is there when the Sec-EM dies before there is room.
    const scope = { tenant: "red", vnf: "pe", instance: "i1" };
    const revoked = await manager.call<ScopeResult>("revoke", scope, "stolen", OPERATOR);
    expect(revoked).toMatchObject({ changed: 1, kept: true });
    fill(filler);
    await manager.kill();
    rmSync(filler);
    manager = await Manager.start(settingsOf(state));
    world.manager = manager;
    second.close();
    expect(await second.step()).toMatchObject({ kind: "refused", reason: "revoked" });
    await manager.call("restore", scope, "found", OPERATOR);
    for (const player of [first, second]) {
      for (let tries = 0; ; tries++) {
        player.close();
        const outcome = await player.step().catch(() => ({ kind: "closed" as const }));
        if (outcome.kind === "done") break;
        expect(tries).toBeLessThan(100);
        await sleep(100);
      }
    }
    expect(first.state.chain!.counter).toBeGreaterThan(counter);
    await manager.call("stop");
  });
});

/** Players with their tokens, and the world they live in, whose manager may be another one later. */
async function played(manager: Manager, count = PLAYERS) {
  const world = { manager };
  const { listening, rootKey } = await manager.call<SecEmStatus>("status");
  const settings = { listening, rootKey };
  const image = { tenant: "red", vnf: "pe", digest: IMAGE, manifest: undefined, version: "1" };
  const unsigned = { signer: undefined, signature: undefined, overlapSeconds: undefined };
  await manager.call("registerImage", { ...image, ...unsigned }, VIM);
  const players: Player[] = [];
  for (let i = 0; i < count; i++) {
    const key = generateSigningKey();
    const instance = `i${i}`;
    const issued = await manager.call<IssuedToken>(
      "issueToken",
      {
        ...{ tenant: "red", vnf: "pe", instance, image: IMAGE, publicKey: toHex(key.publicKey) },
        ...{ bgp: undefined, lifetimeSeconds: undefined, replace: false },
      },
      OPERATOR,
    );
    const service = {
      async status() {
        const now = await world.manager.call<SecEmStatus>("status").catch(() => settings);
        return { listening: now.listening, rootKey };
      },
    };
    players.push(
      new Player({ service, clock: systemClock }, { key, token: issued.token, instance }),
    );
  }
  return { players, world };
}

function settingsOf(stateDirectory: string): SecEmSettings {
  return secEmSettings({
    stateDirectory,
    feedListen: [],
    tenants: [tenant({ vnfs: [vnf("pe", { maxInstances: 100 }), vnf("rr")] })],
  });
}

/** Until nothing more fits. */
function fill(file: string): void {
  for (let octets = 64 * 1024; octets > 0; octets = Math.floor(octets / 2)) {
    try {
      for (;;) writeFileSync(file, new Uint8Array(octets), { flag: "a" });
    } catch {
      // Smaller pieces may still fit.
    }
  }
}

interface Reply {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

class Manager {
  private readonly child: ChildProcess;
  private readonly waiting = new Map<
    number,
    { readonly resolve: (value: never) => void; readonly reject: (error: Error) => void }
  >();
  private lastId = 0;

  private constructor() {
    this.child = fork(join(DIST, "perf", "asmn", "sec-em-process.js"), {
      serialization: "advanced",
    });
    this.child.on("message", (reply: Reply) => {
      const waiting = this.waiting.get(reply.id);
      this.waiting.delete(reply.id);
      if (reply.error === undefined) waiting?.resolve(reply.value as never);
      else waiting?.reject(new Error(reply.error));
    });
    this.child.on("exit", () => {
      for (const { reject } of this.waiting.values()) reject(new Error("the Sec-EM is gone"));
      this.waiting.clear();
    });
    onTestFinished(() => void this.child.kill("SIGKILL"));
  }

  static async start(settings: SecEmSettings): Promise<Manager> {
    const manager = new Manager();
    await manager.ask({ kind: "start", settings }, 0);
    return manager;
  }

  call<T>(method: keyof SecEm, ...parameters: readonly unknown[]): Promise<T> {
    const id = ++this.lastId;
    return this.ask<T>({ kind: "call", id, method, parameters }, id);
  }

  async kill(): Promise<void> {
    const gone = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill("SIGKILL");
    await gone;
  }

  private ask<T>(order: object, id: number): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (!this.child.connected) return reject(new Error("the Sec-EM is gone"));
      this.waiting.set(id, { resolve, reject });
      this.child.send(order);
    });
  }
}
