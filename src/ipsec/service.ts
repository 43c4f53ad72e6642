/**
 * Everything of IPsec that runs, held together: secrets, the staged policy, the guard, and the driver of the
 * local IKE daemon. A reload stages another candidate; what is in force changes by an install alone, which is
 * the operator's, or follows at once where he has said so.
 */
import type { Store } from "../store/index.js";
import { sameSettings } from "../util/applier.js";
import type { Clock, TimerHandle } from "../util/clock.js";
import type { Log } from "../util/log.js";
import type { CheckContext } from "./check/index.js";
import {
  Guard,
  GuardDesk,
  GuardSentry,
  monitorNft,
  runNft,
  storedGuard,
  type GuardControl,
  type Nft,
  type NftMonitor,
} from "./guard/index.js";
import { Driver, guardingOf, Holds, protectedBy } from "./live/index.js";
import { SecretStore } from "./secrets/index.js";
import { secretNames } from "./model/index.js";
import type { IpsecSettings } from "./settings.js";
import { localSides, Staging, type Installer } from "./staging/index.js";
import { InstalledTunnels } from "./watch/installed-tunnels.js";
import { IpsecWatch, runProgram } from "./watch/index.js";
import type { TunnelSink } from "../contract.js";
import { LocalVendors, type VendorControl } from "./vendors/index.js";

export interface IpsecParts {
  readonly settings: IpsecSettings;
  /** Undefined: what is installed is forgotten at a restart. */
  readonly store: Store | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** By default the program of that name. */
  readonly nft?: Nft;
  /** What tells of rules that went; by default the same program, none where `nft` is another. */
  readonly monitor?: NftMonitor;
  /** The stream of tunnels goes there; begins anew with each driver. */
  readonly tunnels?: TunnelSink;
}

/** Who installs where no operator does. */
const CONFIGURATION = "configuration";
/** Older credentials go by themselves when their time is over; and whoever waits to be guarded is tried again. */
const REFRESH_EVERY_MS = 30_000;

export class IpsecService {
  readonly staging: Staging;
  readonly guardControl: GuardControl;
  /** Renderings and imports. */
  readonly vendors: VendorControl;
  private readonly guard: Guard;
  private readonly holds: Holds;
  private sentry: GuardSentry | undefined;
  private readonly parts: IpsecParts;
  private settings: IpsecSettings;
  private secretStore: SecretStore;
  private current: Driver | undefined;
  private watching: IpsecWatch | undefined;
  private timer: TimerHandle | undefined;

  private constructor(parts: IpsecParts, secrets: SecretStore) {
    this.parts = parts;
    this.settings = parts.settings;
    this.secretStore = secrets;
    const { store, clock, log } = parts;
    this.guard = new Guard(parts.nft ?? runNft, store && storedGuard(store));
    this.holds = new Holds(store, log);
    this.guardControl = new GuardDesk(this.guard, () => this.protectedNow(), log);
    this.vendors = new LocalVendors({
      candidate: () => this.settings.model,
      installed: () => this.staging.model,
      secrets: () => this.secretStore,
    });
    this.staging = new Staging({
      store,
      clock,
      log,
      installer: this.installer(),
      local: () => this.settings.local,
      context: () => this.context(),
    });
  }

  /**
   * Opens the secrets, guards and loads what was installed. Settled when what is to be guarded is; the IKE
   * daemon may come later. Rejects with `SecretError` when the secrets cannot be had.
   */
  static async start(parts: IpsecParts): Promise<IpsecService> {
    const users: { of: (name: string) => readonly string[] } = { of: () => [] };
    const secrets = await openSecrets(parts, (name) => users.of(name));
    const service = new IpsecService(parts, secrets);
    users.of = (name) => service.usersOf(name);
    service.staging.stage(parts.settings.model);
    await service.recall();
    service.openDriver();
    await service.staging.restore();
    await service.installAutomatically();
    await service.guardTheRest();
    service.startSentry();
    service.refreshLater();
    return service;
  }

  get secrets(): SecretStore {
    return this.secretStore;
  }

  /** Of the local IKE daemon; undefined where no gateway of the model is ours. */
  get driver(): Driver | undefined {
    return this.current;
  }

  /** The watch over the driver's tunnels; undefined where there is no driver. */
  get watch(): IpsecWatch | undefined {
    return this.watching;
  }

  /** What changed, a line each. What did not change goes on. */
  async configure(next: IpsecSettings): Promise<string[]> {
    const before = this.settings;
    const lines: string[] = [];
    if (!sameSettings(before.secrets, next.secrets)) {
      const parts = { ...this.parts, settings: next };
      this.secretStore = await openSecrets(parts, (name) => this.usersOf(name));
      lines.push("IPsec: secrets are kept elsewhere");
    }
    this.settings = next;
    if (before.local !== next.local || before.viciSocket !== next.viciSocket) {
      await this.stopDriver();
      this.openDriver();
      // What is in force here, which the store may not have.
      await this.staging.reapply();
      lines.push(
        next.local === undefined ? "IPsec: drives no IKE daemon" : `IPsec: drives ${next.local}`,
      );
    }
    if (!sameSettings(before.model, next.model)) {
      this.staging.stage(next.model);
      const manual = "; evpnctl ipsec install puts it into force";
      lines.push(`IPsec: another candidate${next.install === "manual" ? manual : ""}`);
    }
    const problem = await this.installAutomatically();
    if (problem !== undefined) lines.push(problem);
    return lines;
  }

  /** Tunnels stay as they are, guarded and up. */
  async stop(): Promise<void> {
    this.timer?.cancel();
    this.sentry?.stop();
    await this.stopDriver();
  }

  /** What operators said to an earlier run: which tunnels stay down, which networks stay guarded. */
  private async recall(): Promise<void> {
    await this.holds.restore();
    try {
      await this.guard.recall();
    } catch (error) {
      const { log } = this.parts;
      log.error(
        { err: error },
        "what was guarded cannot be read: removed tunnels' networks are not",
      );
    }
  }

  /**
   * Networks that no install has guarded now: those of tunnels that were removed before a reboot; and where it is
   * not known any more what was installed, those that the configuration has. Nothing of them is loaded.
   */
  private async guardTheRest(): Promise<void> {
    const { staging, guard } = this;
    if (!staging.lost && !guard.isWaiting) return;
    const model = staging.lost ? this.settings.model : staging.model;
    const { prefixes, ways } = guardingOf(localSides(model, this.settings.local));
    try {
      await guard.protect(prefixes, ways);
    } catch (error) {
      this.parts.log.error({ err: error }, "networks behind tunnels cannot be guarded");
    }
  }

  private startSentry(): void {
    const { clock, nft, monitor = nft === undefined ? monitorNft : undefined } = this.parts;
    if (monitor === undefined) return;
    this.sentry = new GuardSentry({ clock, monitor, onLoss: () => void this.renewGuard() });
    this.sentry.start();
  }

  private async stopDriver(): Promise<void> {
    await this.watching?.stop();
    await this.current?.stop();
    this.watching = undefined;
    this.parts.tunnels?.([{ kind: "reset" }, { kind: "sync" }]);
  }

  private openDriver(): void {
    const { local, viciSocket } = this.settings;
    this.current = undefined;
    if (local === undefined) return;
    const { clock, log } = this.parts;
    this.current = new Driver({
      socket: viciSocket,
      clock,
      log,
      secrets: {
        live: (name) => this.secretStore.live(name),
        facts: (name) => this.secretStore.facts(name),
      },
      guard: this.guard,
      holds: this.holds,
    });
    this.openWatch(this.current);
    this.current.start();
  }

  private openWatch(driver: Driver): void {
    const { clock, log, store, tunnels } = this.parts;
    const watch = new IpsecWatch({
      clock,
      log,
      store,
      driver,
      run: runProgram,
      gateway: () => this.settings.local ?? "",
      installed: new InstalledTunnels(
        () => this.staging.model,
        () => this.settings.local,
      ),
      candidate: () => localSides(this.settings.model, this.settings.local),
      certificateEnd: (name) => this.secretStore.facts(name)?.notAfter,
    });
    this.watching = watch;
    if (tunnels !== undefined) watch.subscribe(tunnels);
    void watch.start();
  }

  /** Without a daemon to drive an install still counts: others are given what is rendered from it. */
  private installer(): Installer {
    return {
      install: (plan, progress) =>
        this.current?.install(plan, progress) ?? Promise.resolve({ ok: true, problems: [] }),
    };
  }

  /** Why it could not be, a sentence. */
  private async installAutomatically(): Promise<string | undefined> {
    if (this.settings.install !== "automatic") return undefined;
    const { differs, installed } = await this.staging.status();
    if (!differs && installed !== undefined) return undefined;
    try {
      const { state, problems } = await this.staging.install({ actor: CONFIGURATION });
      if (state !== "failed") return undefined;
      return `IPsec: not installed: ${problems.join("; ")}`;
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      this.parts.log.error({ problem }, "IPsec policy not installed");
      return `IPsec: not installed: ${problem}`;
    }
  }

  private refreshLater(): void {
    this.timer = this.parts.clock.setTimer(REFRESH_EVERY_MS, () => {
      void this.guardTheRest().then(() => this.renewGuard());
      // Without this a packet filter that was locked at the start would leave all down, and open.
      if (this.staging.needsReapply) void this.staging.reapply().catch(() => {});
      void this.current?.refreshCredentials().catch(() => {
        // The connection was lost: everything is loaded again.
      });
      this.refreshLater();
    });
  }

  private async renewGuard(): Promise<void> {
    const { log } = this.parts;
    try {
      if (await this.guard.renew()) {
        log.error({}, "somebody took the guard's rules out of the packet filter: put back");
      }
    } catch (error) {
      log.error({ err: error }, "the guard's rules in the packet filter cannot be looked at");
    }
  }

  private usersOf(secret: string): readonly string[] {
    return this.staging.model.tunnels
      .filter(({ authentication, ends }) => {
        const overrides = ends.map(({ override }) => override?.secret);
        const own = ([0, 1] as const).flatMap((end) => secretNames(authentication, end));
        return own.includes(secret) || overrides.includes(secret);
      })
      .map(({ name }) => `tunnel ${name}`);
  }

  /** What the policy in force protects. */
  private protectedNow(): readonly string[] {
    return localSides(this.staging.model, this.settings.local).flatMap(protectedBy);
  }

  private context(): CheckContext {
    return {
      now: this.parts.clock.wall(),
      secrets: (name) => this.secretStore.facts(name),
    };
  }
}

function openSecrets(
  { settings, clock, log }: Pick<IpsecParts, "settings" | "clock" | "log">,
  users: (name: string) => readonly string[],
): Promise<SecretStore> {
  return SecretStore.open({ settings: settings.secrets, users, clock, log });
}
