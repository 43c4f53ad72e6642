/** The agent put together from its settings, and taken apart again when it is told to stop. */
import { readFileSync, rmSync, statSync } from "node:fs";
import { toHex } from "../../util/bytes.js";
import type { Clock } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import { tlsIdentity } from "../link/index.js";
import { Agent } from "./agent.js";
import type { OwnTrust, RoundOutcome, TrustReport } from "./agent.js";
import { Bindings } from "./binding/bindings.js";
import { CatalogBox } from "./catalog-box.js";
import { ChainStore } from "./chain-store.js";
import { AgentHome } from "./home.js";
import { Measuring } from "./measuring.js";
import type { AgentSettings } from "./settings.js";
import { writeStatus } from "./status.js";
import type { AgentStatus, BindingState } from "./status.js";
import { Traffic } from "./traffic/traffic.js";

export interface RunParts {
  readonly settings: AgentSettings;
  readonly clock: Clock;
  readonly log: Log;
  /** One proof, then the end; nothing is carried. */
  readonly once: boolean;
  readonly signal: AbortSignal;
}

export interface AgentEnd {
  readonly kind: "trusted" | "not-trusted" | "unreachable" | "refused" | "stopped";
  readonly reason: string;
  readonly sentence: string;
}

/** Octets of a token's file: many times what a token has. */
const TOKEN_MAX = 4096;
const STOPPED: AgentEnd = { kind: "stopped", reason: "", sentence: "it was told to stop" };

/** Resolves when it was stopped, or with `once` when it is known how it went. Rejects with `HomeError` or `MeasureError`. */
export async function runAgent(parts: RunParts): Promise<AgentEnd> {
  const { settings, clock, log, once, signal } = parts;
  const home = new AgentHome(settings.stateDirectory);
  home.lock();
  let life: AgentLife | undefined;
  try {
    life = new AgentLife(parts, home);
    await life.open();
    const begun = clock.now();
    const end = new Promise<AgentEnd>((resolve) => {
      signal.addEventListener("abort", () => resolve(STOPPED));
      if (signal.aborted) resolve(STOPPED);
      if (once && life !== undefined) life.onEnd = resolve;
    });
    life.agent.start();
    const ended = await end;
    log.info(
      { milliseconds: Math.round(clock.now() - begun) },
      `the agent ends: ${ended.sentence}`,
    );
    return ended;
  } finally {
    await life?.close();
    home.unlock();
  }
}

class AgentLife {
  readonly agent: Agent;
  onEnd: (end: AgentEnd) => void = () => undefined;
  private readonly parts: RunParts;
  private readonly home: AgentHome;
  private readonly measuring: Measuring;
  private readonly chain: ChainStore;
  private readonly catalog: CatalogBox;
  private readonly bindings: Bindings;
  private readonly traffic: Traffic;
  private readonly publicKey: string;
  private binding: BindingState;
  private since: number;
  private statusTrouble = false;

  constructor(parts: RunParts, home: AgentHome) {
    const { settings, clock, log } = parts;
    this.parts = parts;
    this.home = home;
    this.since = clock.wall();
    const key = home.key();
    this.publicKey = toHex(key.publicKey);
    const tls = tlsIdentity(key, settings.instance);
    this.measuring = new Measuring(settings, home, clock);
    this.chain = new ChainStore(home);
    this.catalog = new CatalogBox(home, settings.tenant);
    this.agent = new Agent({
      settings,
      key,
      tls,
      chain: this.chain,
      catalog: this.catalog,
      measuring: this.measuring,
      readToken: () => tokenOf(settings.tokenFile),
      dropToken: () => settings.tokenFile && rmSync(settings.tokenFile, { force: true }),
      clock,
      log,
      events: {
        onTrust: (own) => this.trust(own),
        onMd5Key: (md5) => this.bindings.giveMd5Key(md5),
        onReport: () => this.reported(),
        onChange: () => this.write(),
        onRound: (outcome, report) => this.onEnd(endOf(outcome, report)),
      },
    });
    this.binding = { kind: settings.binding.kind, bound: false, detail: "not trusted yet" };
    const onState = (binding: BindingState): void => {
      this.binding = binding;
      this.write();
    };
    this.bindings = new Bindings({ settings, tls, clock, log, onState });
    this.traffic = new Traffic({
      settings,
      key,
      catalog: () => this.catalog.current,
      peers: this.agent,
      clock,
      log,
      onChange: () => this.write(),
    });
  }

  /** Rejects with `HomeError` when a port cannot be had. */
  async open(): Promise<void> {
    if (!this.parts.once) {
      await this.bindings.open();
      await this.traffic.open();
    }
    this.write();
  }

  async close(): Promise<void> {
    this.agent.stop();
    await this.traffic.close();
    await this.bindings.close();
    this.write();
  }

  private trust(own: OwnTrust | undefined): void {
    this.bindings.trust(own);
    this.traffic.trust(own);
    this.write();
  }

  private reported(): void {
    this.since = this.parts.clock.wall();
    this.write();
  }

  private write(): void {
    const path = this.parts.settings.statusFile ?? this.home.path("status.json");
    try {
      writeStatus(path, this.status());
      this.statusTrouble = false;
    } catch (err) {
      if (!this.statusTrouble) this.parts.log.warn({ err }, "the status file cannot be written");
      this.statusTrouble = true;
    }
  }

  private status(): AgentStatus {
    const { settings } = this.parts;
    const { tenant, vnf, instance } = settings;
    const { report, secEm, provenAt, renewSeconds } = this.agent;
    const { attempt, chain } = this.chain.state;
    const { last } = this.measuring;
    return {
      ...{ tenant, vnf, instance, pid: process.pid, publicKey: this.publicKey },
      ...report,
      since: this.since,
      enrolled: chain !== undefined,
      chain: chain?.counter ?? 0,
      counter: attempt,
      secEm,
      provenAt,
      renewSeconds,
      image: last && {
        digest: last.image.digest.toString("hex"),
        octets: last.image.size,
        fromCache: last.image.fromCache,
        milliseconds: Math.round(last.image.milliseconds),
      },
      manifest: last && toHex(last.manifest),
      catalog: this.catalog.named.version || undefined,
      binding: this.binding,
      carried: { router: this.bindings.carried, ...this.traffic.carried },
    };
  }
}

function tokenOf(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    // A pipe would be waited for, by everything that this process carries.
    const stat = statSync(file);
    return stat.isFile() && stat.size <= TOKEN_MAX ? readFileSync(file, "utf8") : undefined;
  } catch {
    // None yet, or none any more.
    return undefined;
  }
}

function endOf(outcome: RoundOutcome, { state, reason, sentence }: TrustReport): AgentEnd {
  if (outcome === "refused" || outcome === "unreachable")
    return { kind: outcome, reason, sentence };
  return { kind: state === "trusted" ? "trusted" : "not-trusted", reason, sentence };
}
