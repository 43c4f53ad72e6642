/**
 * Makes the IKE daemon hold what the plans say, and no more under our names. What is there already as it
 * should be is left alone; loading what is the same changes nothing in the daemon either. SAs are never
 * touched here.
 */
import { GiveWay } from "../../util/give-way.js";
import type { ViciSection } from "../vici/index.js";
import type { Charon } from "./charon.js";
import type { Credentials } from "./credentials.js";
import { OURS, type TunnelPlan } from "./plan.js";

export interface LoadStep {
  readonly tunnel: string;
  readonly action: "load" | "unload";
  /** Why not, a sentence; undefined when it was done. */
  readonly problem: string | undefined;
}

export interface LoadWatcher {
  readonly progress: (step: LoadStep) => void;
  /** Another definition has taken the place of one that may have SAs. */
  readonly replacing: (plan: TunnelPlan) => Promise<void>;
}

export class Loader {
  private readonly credentials: Credentials;
  /** Digest of what the daemon has, by connection; what we do not know of is loaded again. */
  private readonly loaded = new Map<string, string>();
  private stepsDone = 0;

  constructor(credentials: Credentials) {
    this.credentials = credentials;
  }

  /** The daemon is another one. */
  forget(): void {
    this.loaded.clear();
    this.credentials.forget();
  }

  has(plan: TunnelPlan): boolean {
    return this.loaded.has(plan.connection);
  }

  /** How much work there was so far: for tests and figures. */
  get steps(): number {
    return this.stepsDone;
  }

  /**
   * Loads, then unloads. A tunnel that cannot be loaded does not keep the others from it.
   * @param turned tunnels whose newest credential is to be tried first
   * Rejects only when the connection is lost.
   */
  async reconcile(
    charon: Charon,
    plans: ReadonlyMap<string, TunnelPlan>,
    turned: ReadonlySet<string>,
    { progress, replacing }: LoadWatcher,
  ): Promise<void> {
    const present = new Set(await charon.connections());
    const way = new GiveWay();
    for (const plan of plans.values()) {
      await way.turn();
      if (!present.has(plan.connection)) this.loaded.delete(plan.connection);
      const done = await this.tried(charon, () =>
        this.load(charon, plan, turned.has(plan.tunnel), replacing),
      );
      if (done !== "nothing") progress({ tunnel: plan.tunnel, action: "load", problem: done });
    }
    const wanted = new Set([...plans.values()].map(({ connection }) => connection));
    for (const name of present) {
      if (!name.startsWith(OURS) || wanted.has(name)) continue;
      this.loaded.delete(name);
      const done = await this.tried(charon, async () => {
        await charon.unloadConnection(name);
        return true;
      });
      if (done === "nothing") continue;
      progress({ tunnel: name.slice(OURS.length), action: "unload", problem: done });
    }
    const ids = await this.credentials.wantedIds(plans.values());
    await this.credentials.sweep(charon, await charon.secrets(), ids);
  }

  /** Whether there was something to do. Credentials first: a connection without them could only fail. */
  private async load(
    charon: Charon,
    plan: TunnelPlan,
    turned: boolean,
    replacing: LoadWatcher["replacing"],
  ): Promise<boolean> {
    await this.credentials.load(charon, plan, turned);
    const certificates = this.credentials.certificateSections(plan);
    const digest = `${plan.digest}${certificates?.digest ?? ""}`;
    const before = this.loaded.get(plan.connection);
    if (before === digest) return false;
    await charon.loadConnection(plan.connection, withCertificates(plan.section, certificates));
    // Only now: until the new definition is there, the peer may have made SAs of the old one.
    if (before !== undefined) await replacing(plan);
    this.loaded.set(plan.connection, digest);
    return true;
  }

  /** What went wrong, undefined when it went well, "nothing" when there was nothing to do. */
  private async tried(charon: Charon, work: () => Promise<boolean>): Promise<string | undefined> {
    try {
      if (!(await work())) return "nothing";
      this.stepsDone++;
      return undefined;
    } catch (error) {
      if (!charon.isOpen) throw error;
      return error instanceof Error ? error.message : String(error);
    }
  }
}

function withCertificates(
  section: ViciSection,
  certificates: { local: ViciSection; remote: ViciSection } | undefined,
): ViciSection {
  if (certificates === undefined) return section;
  const { local, remote } = section as { local: ViciSection; remote: ViciSection };
  return {
    ...section,
    local: { ...local, ...certificates.local },
    remote: { ...remote, ...certificates.remote },
  };
}
