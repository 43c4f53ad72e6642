/**
 * Secrets, keys and certificates of a tunnel in the IKE daemon. A secret may have two live values for a while
 * (a rollover): both are loaded. The daemon accepts either from the peer and uses for itself the one that was
 * loaded last. That is the older one for the first half of the overlap, because the peer may not have the newer
 * yet, and the newer one for the second, because the peer may not have the older any more. When a tunnel
 * cannot be brought up so, the order is turned round for the next attempt.
 *
 * Values go from the store to the daemon and are kept nowhere: what is remembered is a hash with a key that
 * this process made up.
 */
import { createHmac, randomBytes } from "node:crypto";
import { GiveWay } from "../../util/give-way.js";
import type { SecretReader } from "../secrets/control.js";
import { ViciError, type ViciSection } from "../vici/index.js";
import type { Charon } from "./charon.js";
import { OURS, type PlannedCertificates, type PlannedSecret, type TunnelPlan } from "./plan.js";

/** What is asked of the secret store. */
export type SecretSource = Pick<SecretReader, "live" | "facts">;

export class Credentials {
  private readonly secrets: SecretSource;
  /** Wall-clock milliseconds. */
  private readonly wall: () => number;
  private readonly key = randomBytes(32);
  /** By tunnel and secret: what the daemon has, in order. */
  private readonly loaded = new Map<string, string>();
  /** By tunnel and private key: the daemon's ids. */
  private readonly keys = new Map<string, string[]>();

  constructor(secrets: SecretSource, wall: () => number) {
    this.secrets = secrets;
    this.wall = wall;
  }

  /** The daemon is another one than before: it has nothing from us that we know of. */
  forget(): void {
    this.loaded.clear();
    this.keys.clear();
  }

  /** Ids that the daemon should have for these tunnels. */
  async wantedIds(plans: Iterable<TunnelPlan>): Promise<Set<string>> {
    const ids = new Set<string>();
    const way = new GiveWay();
    for (const plan of plans) {
      await way.turn();
      for (const secret of plan.secrets) {
        for (const { id } of this.values(plan.tunnel, secret, false)) ids.add(id);
      }
    }
    return ids;
  }

  /**
   * Loads what the tunnel needs and the daemon has not. Rejects with a sentence when a secret is missing.
   * @param turned newest first
   */
  async load(charon: Charon, plan: TunnelPlan, turned: boolean): Promise<void> {
    for (const secret of plan.secrets) {
      const values = this.values(plan.tunnel, secret, turned);
      if (values.length === 0) throw missing(secret.secret);
      const place = `${plan.tunnel}\n${secret.secret}`;
      const order = values.map(({ id }) => id).join("\n");
      if (this.loaded.get(place) === order) continue;
      // Loaded again, a value goes before all others: this makes the order without ever taking one away.
      const { type, owners } = secret;
      for (const { id, data } of [...values].reverse())
        await charon.loadSecret({ id, type, data, owners });
      this.loaded.set(place, order);
    }
    if (plan.certificates !== undefined)
      await this.loadKeys(charon, plan.tunnel, plan.certificates);
  }

  /** Certificates as part of a connection, with a text that tells one set from another. */
  certificateSections(
    plan: TunnelPlan,
  ): { local: ViciSection; remote: ViciSection; digest: string } | undefined {
    const { certificates } = plan;
    if (certificates === undefined) return undefined;
    const own = this.inOrder(certificates.own, this.need(certificates.own), false);
    const peer = certificates.peer === undefined ? [] : this.need(certificates.peer);
    const authorities = certificates.authorities.flatMap((name) => this.need(name));
    const hash = createHmac("sha256", this.key);
    for (const each of [...own, ...peer, ...authorities]) hash.update(each);
    return {
      local: { certs: own },
      remote: {
        ...(peer.length === 0 ? {} : { certs: peer }),
        ...(authorities.length === 0 ? {} : { cacerts: authorities }),
      },
      digest: hash.digest("base64url"),
    };
  }

  /** Unloads what carries our name and no tunnel wants; both values of a rollover that has ended go so. */
  async sweep(
    charon: Charon,
    present: readonly string[],
    wanted: ReadonlySet<string>,
  ): Promise<void> {
    for (const id of present) {
      if (id.startsWith(OURS) && !wanted.has(id)) await charon.unloadSecret(id);
    }
  }

  private async loadKeys(
    charon: Charon,
    tunnel: string,
    { own, privateKey, peer, authorities }: PlannedCertificates,
  ): Promise<void> {
    for (const data of this.need(own)) await charon.loadCertificate({ authority: false, data });
    for (const data of peer === undefined ? [] : this.need(peer)) {
      await charon.loadCertificate({ authority: false, data });
    }
    for (const name of authorities) {
      for (const data of this.need(name)) await charon.loadCertificate({ authority: true, data });
    }
    const ids: string[] = [];
    for (const data of this.need(privateKey)) ids.push(await charon.loadKey({ type: "any", data }));
    const place = `${tunnel}\n${privateKey}`;
    const before = this.keys.get(place) ?? [];
    this.keys.set(place, ids);
    const inUse = new Set([...this.keys.values()].flat());
    for (const id of before) if (!inUse.has(id)) await charon.unloadKey(id);
  }

  private values(
    tunnel: string,
    { secret }: PlannedSecret,
    turned: boolean,
  ): { id: string; data: Uint8Array }[] {
    const live = this.secrets.live(secret);
    return this.inOrder(secret, live, turned).map((data) => ({
      id: this.idOf(tunnel, secret, data),
      data,
    }));
  }

  private idOf(tunnel: string, secret: string, data: Uint8Array): string {
    const hash = createHmac("sha256", this.key).update(data).digest("base64url").slice(0, 12);
    return `${OURS}${tunnel}/${secret}/${hash}`;
  }

  private need(name: string): readonly Uint8Array[] {
    const live = this.secrets.live(name);
    if (live.length === 0) throw missing(name);
    return live;
  }

  /**
   * The one to use for ourselves first.
   * @param live newest first
   */
  private inOrder(name: string, live: readonly Uint8Array[], turned: boolean): Uint8Array[] {
    const facts = live.length > 1 ? this.secrets.facts(name) : undefined;
    const until = facts?.olderUntil;
    const pastHalf =
      facts !== undefined && until !== undefined && 2 * this.wall() > facts.created + until;
    return pastHalf === turned ? [...live].reverse() : [...live];
  }
}

function missing(name: string): ViciError {
  return new ViciError(
    "refused",
    `there is no secret "${name}": set it with evpnctl ipsec secret set, or generate it`,
  );
}
