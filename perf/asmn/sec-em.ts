/**
 * The Sec-EM under the load of a large tenant: VNFs that are connected over TLS and prove themselves every
 * minute, evenly. What counts is the CPU time of its process, threads and disk included; its peer is the
 * limit that the requirements set, as the paper has no figure.
 */
import { fork, type ChildProcess } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { SecEm, SecEmStatus } from "../../src/asmn/sec-em/index.js";
import type { SecEmSettings } from "../../src/asmn/settings.js";
import { fromHex, toHex } from "../../src/util/bytes.js";
import { median } from "../fleet/statistics.js";
import { judged, type PaperRow, type Part, type PartOptions } from "./part.js";
import { PlayedAgent } from "./played-agent.js";
import type { Order, Reply } from "./sec-em-process.js";

const TENANT = "tenant-1";
const VNF = "edge";
const IMAGE = "5a".repeat(32);
const OPERATOR = { role: "operator", name: "perf" } as const;
/** The limit: part of one core. */
const MOST_CPU = 0.05;
/** Enrolments, and renewals before it is measured, at once. */
const AT_ONCE = 16;
/** Renewals of each VNF before it is measured. */
const WARM_UP = 3;

export const secEmLoad: Part = {
  name: "sec-em",
  summary: "1,000 VNFs that renew every minute: CPU of the Sec-EM",
  async run(options) {
    const size = options.quick ? { vnfs: 100, seconds: 10 } : { vnfs: 1000, seconds: 60 };
    const directory = join(options.directory, "sec-em");
    mkdirSync(directory);
    const manager = new Manager();
    try {
      const rows = await measure(manager, directory, size, options);
      return [{ title: "Sec-EM under load (no figure of the paper)", rows }];
    } finally {
      manager.stop();
    }
  },
};

async function measure(
  manager: Manager,
  directory: string,
  { vnfs, seconds }: { readonly vnfs: number; readonly seconds: number },
  options: PartOptions,
): Promise<readonly PaperRow[]> {
  await manager.start(settingsOf(directory, vnfs));
  const agents = await enrolAll(manager, vnfs, options);
  await warmUp(agents);
  const before = await manager.usage();
  const began = performance.now();
  const took: number[] = [];
  // A VNF after the other, so that all have renewed once when the minute is over.
  const gapMs = 60_000 / vnfs;
  const under: Promise<void>[] = [];
  for (let turn = 0; performance.now() - began < seconds * 1000; turn++) {
    const wait = began + turn * gapMs - performance.now();
    if (wait > 0) await sleep(wait);
    const agent = agents[turn % vnfs];
    if (agent === undefined) break;
    const start = performance.now();
    under.push(agent.renew().then(() => void took.push(performance.now() - start)));
  }
  await Promise.all(under);
  const elapsedMs = performance.now() - began;
  const after = await manager.usage();
  const { counters } = await manager.call<SecEmStatus>("status");
  const failed = agents.reduce((sum, agent) => sum + agent.failed, 0);
  for (const agent of agents) agent.close();
  const share = (after.cpuMs - before.cpuMs) / elapsedMs;
  const rate = (took.length / elapsedMs) * 1000;
  if (counters.renewals < took.length + WARM_UP * vnfs)
    throw new Error("the Sec-EM counts fewer renewals than came");
  return [
    {
      ids: "ASM-13, ASM-61",
      what: `CPU of the Sec-EM, ${vnfs} VNFs renewing every minute`,
      paper: "–",
      ours: `${(share * 100).toFixed(1)} % of a core`,
      verdict: judged(share < MOST_CPU && failed === 0, options),
      note: `limit 5 %; ${rate.toFixed(1)} renewals/s, ${failed} failed`,
    },
    {
      ids: "ASM-61",
      what: "one renewal, from Begin to Done",
      paper: "–",
      ours: `${median(took).toFixed(1)} ms, at most ${Math.max(...took).toFixed(0)} ms`,
      verdict: "shown",
      note: "both sides on this machine, a write that is on the disk",
    },
    {
      ids: "ASM-67",
      what: "memory of the Sec-EM's process",
      paper: "–",
      ours: `${Math.round(after.rss / 2 ** 20)} MB`,
      verdict: "shown",
    },
  ];
}

/** A Sec-EM runs for months: what it costs while its code is not compiled yet is not what it costs. */
async function warmUp(agents: readonly PlayedAgent[]): Promise<void> {
  let next = 0;
  const renewSome = async (): Promise<void> => {
    while (next < agents.length * WARM_UP) await agents[next++ % agents.length]?.renew();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, renewSome));
}

async function enrolAll(
  manager: Manager,
  count: number,
  options: PartOptions,
): Promise<readonly PlayedAgent[]> {
  const { rootKey, listening } = await manager.call<SecEmStatus>("status");
  const name = { tenant: TENANT, vnf: VNF };
  const unsigned = { manifest: undefined, signer: undefined, signature: undefined };
  const image = { ...name, ...unsigned, digest: IMAGE, version: "1", overlapSeconds: undefined };
  await manager.call("registerImage", image, OPERATOR);
  const agents: PlayedAgent[] = [];
  let next = 0;
  const enrolSome = async (): Promise<void> => {
    while (next < count) {
      const instance = `i${next++}`;
      const key = PlayedAgent.makeKey();
      const publicKey = toHex(key.publicKey);
      const token = {
        ...{ ...name, instance, image: IMAGE, publicKey, bgp: undefined },
        ...{ lifetimeSeconds: undefined, replace: false },
      };
      const issued = await manager.call<{ token: string }>("issueToken", token, OPERATOR);
      const agent = new PlayedAgent({
        ...{ port: listening[0]?.port ?? 0, rootKey: fromHex(rootKey)!, tenant: TENANT },
        ...{ vnf: VNF, instance, image: fromHex(IMAGE)!, token: issued.token, key },
      });
      await agent.enrol();
      if (agent.done !== 1) throw new Error(`${instance} could not enrol`);
      agents.push(agent);
      if (agents.length % 250 === 0) options.progress(`${agents.length} VNFs enrolled`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, enrolSome));
  return agents;
}

/** The process of the Sec-EM, asked by IPC. */
class Manager {
  private readonly child: ChildProcess;
  private readonly waiting = new Map<number, (reply: Reply) => void>();
  private lastId = 0;

  constructor() {
    const program = fileURLToPath(new URL("./sec-em-process.js", import.meta.url));
    this.child = fork(program, { serialization: "advanced" });
    this.child.on("message", (reply: Reply) => {
      this.waiting.get(reply.id)?.(reply);
      this.waiting.delete(reply.id);
    });
  }

  async start(settings: SecEmSettings): Promise<void> {
    await this.ask({ kind: "start", settings }, 0);
  }

  async call<T>(method: keyof SecEm, ...parameters: readonly unknown[]): Promise<T> {
    const id = ++this.lastId;
    return (await this.ask({ kind: "call", id, method, parameters }, id)) as T;
  }

  async usage(): Promise<{ readonly cpuMs: number; readonly rss: number }> {
    const id = ++this.lastId;
    return (await this.ask({ kind: "usage", id }, id)) as { cpuMs: number; rss: number };
  }

  stop(): void {
    this.child.kill("SIGKILL");
  }

  private ask(order: Order, id: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.waiting.set(id, ({ value, error }) => {
        if (error === undefined) resolve(value);
        else reject(new Error(error));
      });
      this.child.send(order);
    });
  }
}

function settingsOf(stateDirectory: string, vnfs: number): SecEmSettings {
  const many = vnfs * 2;
  return {
    ...{ name: "sec-em", audience: "evpnd", stateDirectory, feedListen: [], feeds: [] },
    listen: [{ address: "127.0.0.1", port: 0 }],
    ...{ rootKeyFile: undefined, imageDirectory: undefined, roles: { vim: [], vnfm: [] } },
    ...{ verdictLifetimeSeconds: 300, heartbeatSeconds: 5, renewalSeconds: 60 },
    ...{ tokenLifetimeSeconds: 3600, upgradeSeconds: 0, verdictKeySeconds: 0 },
    ...{ keyOverlapSeconds: 3600, platformKeys: [], packageKeys: [] },
    ...{ platformDocumentSeconds: 0, tpmKeys: [] },
    limits: {
      ...{ connections: many, connectionsPerAddress: many, handshakesPerSecond: many },
      auditOctets: 64 * 2 ** 20,
    },
    tenants: [
      {
        ...{ name: TENANT, defaultAction: "drop", catalog: [], alarms: [] },
        vnfs: [
          {
            ...{ name: VNF, role: "edge", addresses: ["127.0.0.1"], as: undefined },
            ...{ routerId: undefined, binding: "tcp-md5", rootOfTrust: "none" },
            ...{ maxInstances: vnfs, manifest: { allowedChanges: [] } },
            bgp: { sessions: 0, updatesPerSecond: 0, prefixes: 0 },
          },
        ],
      },
    ],
  };
}
