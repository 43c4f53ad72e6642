/**
 * The Sec-EM's only door: what API, command line and metrics may ask of it. `service.ts` implements it in
 * the Sec-EM's own thread; everything here is plain data. Keys and digests are lower-case hex, times
 * wall-clock milliseconds. No secret is ever in an answer, with one exception: a token, in the answer to the
 * call that made it.
 */
import type { MessagePort } from "node:worker_threads";
import type {
  AsmnAlarmSettings,
  AsmnBinding,
  AsmnCatalogEntry,
  AsmnDefaultAction,
  AsmnEndpoint,
  AsmnTpmKey,
  AsmnVnfSettings,
  SecEmSettings,
} from "../settings.js";

/**
 * - `off`: no Sec-EM is configured here, or its thread is being started again.
 * - `not-found`: there is no such tenant, VNF, instance, image, token or grant.
 * - `invalid`: the question makes no sense as it stands. `conflict`: it contradicts what is there.
 * - `refused`: this role may not do that, or an earlier step has not succeeded (ASM-02).
 * - `storage`: it could not be written down, and so has not happened.
 */
export type SecEmErrorCode = "off" | "not-found" | "invalid" | "conflict" | "refused" | "storage";

export class SecEmError extends Error {
  readonly code: SecEmErrorCode;
  constructor(code: SecEmErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Who does something (ASM-01). The VIM registers images and issues tokens (ASM-12, ASM-74), the VNFM
 * registers VNFs and their catalogs (ASM-32), the operator does both and everything else.
 */
export type Role = "vim" | "vnfm" | "operator";

export interface Actor {
  readonly role: Role;
  /** Who it was, for the audit log: the name of the API's client. */
  readonly name: string;
}

/** What is known of an instance's right to peer (ASM-17). */
export type TrustState = "trusted" | "untrusted" | "unknown" | "stale";

/** How the instance's BGP session is bound to it (ASM-75). */
export type SessionBinding = AsmnBinding;

/** Where an instance speaks BGP from: what a session must match. */
export interface BgpFacts {
  /** IPv4 or IPv6, at most 8. */
  readonly addresses: readonly string[];
  readonly as: number | undefined;
  /** Dotted quad. */
  readonly routerId: string | undefined;
  readonly binding: SessionBinding;
}

export interface VnfName {
  readonly tenant: string;
  readonly vnf: string;
}

export interface InstanceName extends VnfName {
  readonly instance: string;
}

/** A VNF descriptor with the lines of the Sec-catalog that come with it (ASM-32). */
export interface VnfDescriptor {
  readonly tenant: string;
  readonly descriptor: AsmnVnfSettings;
  /** Lines from or to this VNF. */
  readonly catalog: readonly AsmnCatalogEntry[];
}

export interface VnfRow {
  readonly tenant: string;
  readonly descriptor: AsmnVnfSettings;
  /** `configuration`: written in the file, and changed only there. */
  readonly source: "configuration" | "api";
  readonly images: number;
  readonly instances: number;
  readonly trusted: number;
}

/** The Sec-catalog of a tenant: lines of the file, of descriptors, and of `setCatalog`. */
export interface CatalogRow {
  readonly tenant: string;
  /** Counts up with every change; gateways refuse to go back (ASM-70). */
  readonly version: number;
  readonly digest: string;
  readonly defaultAction: AsmnDefaultAction;
  readonly entries: readonly AsmnCatalogEntry[];
  readonly alarms: readonly AsmnAlarmSettings[];
  /** As agents and gateways get it, signed; hex. */
  readonly document: string;
}

/** A package's digest, signed by its VIM (ASM-66): never changed, only joined by others. */
export interface ImageRequest extends VnfName {
  /** Tree digest, SHA-256. */
  readonly digest: string;
  /** Run-time manifest's digest at the start; undefined = not fixed. */
  readonly manifest: string | undefined;
  readonly version: string;
  /** Name of a package key of the settings, and its Ed25519 signature over `imageStatement` (`images.ts`); needed where such keys are set. */
  readonly signer: string | undefined;
  readonly signature: string | undefined;
  /** How long images registered before stay valid beside this one (ASM-78). 0 = they end now; undefined = as the settings say. */
  readonly overlapSeconds: number | undefined;
}

export interface ImageRow extends VnfName {
  readonly digest: string;
  readonly manifest: string | undefined;
  readonly version: string;
  readonly signer: string | undefined;
  readonly registeredBy: string;
  readonly registeredAt: number;
  /** Undefined: no end is set. */
  readonly validUntil: number | undefined;
  readonly valid: boolean;
}

/** A TPM's attestation key (ASM-68): whose instances it vouches for, and what its quotes must say. */
export interface TpmKeyRow extends Omit<AsmnTpmKey, "publicKey"> {
  /** First 16 octets of SHA-256 of the key. */
  readonly keyId: string;
  readonly algorithm: string;
  /** `configuration`: written in the file, and changed only there. */
  readonly source: "configuration" | "api";
  readonly registeredBy: string | undefined;
  readonly registeredAt: number | undefined;
}

/** What a token is good for: one enrolment, by one key, of one instance with one image (ASM-74). */
export interface TokenRequest extends InstanceName {
  readonly image: string;
  /** The instance's Ed25519 public key, raw, hex. Undefined: the first one that comes with the token. */
  readonly publicKey: string | undefined;
  /** What a session of the instance must match. Undefined: as the VNF's descriptor says. */
  readonly bgp: BgpFacts | undefined;
  /** 1 to 86,400; as the settings say without it. */
  readonly lifetimeSeconds: number | undefined;
  /** The instance is known and begins anew: what ends a stale chain, a clone's stop, a lost key. */
  readonly replace: boolean;
}

export interface IssuedToken {
  readonly id: string;
  /** Shown here once, kept nowhere. */
  readonly token: string;
  readonly expires: number;
}

export interface TokenRow extends InstanceName {
  readonly id: string;
  readonly image: string;
  /** Undefined: the first one that comes. */
  readonly publicKey: string | undefined;
  readonly issuedBy: string;
  readonly expires: number;
  readonly state: "open" | "used" | "expired";
}

export interface InstanceRow extends InstanceName {
  /** SHA-256 of tenant, VNF, instance and nonce (ASM-64): another one after each enrolment. */
  readonly id: string;
  /** Undefined until it has enrolled. */
  readonly publicKey: string | undefined;
  readonly state: TrustState;
  readonly reason: string;
  /** Steps of the chain that both sides have confirmed. */
  readonly chain: number;
  readonly since: number;
  /** Of the last proof that held. */
  readonly attestedAt: number | undefined;
  readonly image: string | undefined;
  readonly bgp: BgpFacts;
  /** Milliseconds left of the verdict that is out; undefined = none. */
  readonly verdictLeftMs: number | undefined;
  readonly verdictSerial: number | undefined;
  readonly connected: boolean;
  readonly revoked: boolean;
  /** Seen twice with one state, and stopped until an operator has decided (ASM-80). */
  readonly cloned: boolean;
  /** How far the three steps have come (ASM-02). */
  readonly step: "registered" | "authenticated" | "communicating" | "controlled";
  /** A root of trust beyond its own word (ASM-68). */
  readonly root: "none" | "platform" | "tpm";
}

export interface InstanceQuery {
  readonly tenant?: string | undefined;
  readonly vnf?: string | undefined;
  readonly instance?: string | undefined;
  readonly state?: TrustState | undefined;
  /** 1 to 10,000; 1,000 without it. */
  readonly limit?: number | undefined;
  /** `next` of the page before. */
  readonly cursor?: string | undefined;
}

export interface InstancePage {
  readonly rows: readonly InstanceRow[];
  readonly next: string | undefined;
}

/** What an operator's `verify` brought. */
export interface VerifyResult {
  readonly row: InstanceRow;
  /** `proven` anew just now; `refused` for the reason in the row; `silent`: it did not answer in time; `absent`: not connected. */
  readonly outcome: "proven" | "refused" | "silent" | "absent";
  readonly tookMs: number;
}

/** All of a tenant, of a VNF, or one instance. */
export interface Scope {
  readonly tenant: string;
  readonly vnf?: string | undefined;
  readonly instance?: string | undefined;
}

export interface ScopeResult {
  /** Instances that it changed. */
  readonly changed: number;
  /** Sequence of the revocation, as feeds have it. */
  readonly revocation: number;
  /** False where the disk did not take it, nor the reserve: in force now, and lost at a restart. */
  readonly kept: boolean;
}

/** A way in when everything else fails (ASM-81). */
export interface BreakGlassRequest {
  readonly scope: Scope;
  /** Only sessions from there; undefined = all of the scope. */
  readonly address: string | undefined;
  /** Who answers for it, and why: both go into the audit log. */
  readonly name: string;
  readonly reason: string;
  /** 60 to 86,400. */
  readonly seconds: number;
}

export interface BreakGlassRow extends BreakGlassRequest {
  readonly id: string;
  readonly begins: number;
  readonly ends: number;
  readonly state: "open" | "ended" | "expired";
  /** Signed, hex: what a gate is given, here or elsewhere. */
  readonly document: string;
}

export interface KeyRow {
  readonly id: string;
  readonly use: "root" | "verdict" | "transport" | "catalog" | "break-glass";
  readonly publicKey: string;
  /** `former` does not sign any more, and what it signed is good until its end. */
  readonly state: "pinned" | "current" | "former";
  readonly since: number;
  readonly until: number | undefined;
}

export interface FeedRow {
  readonly name: string;
  readonly kind: "gate" | "gateway";
  readonly address: string;
  readonly connectedAt: number;
  /** Instances and catalogs whose news it has not taken yet. */
  readonly waiting: number;
  /** The revocation that it says is in force, with all before it. */
  readonly applied: number;
}

export interface SecEmCounters {
  readonly connections: number;
  readonly connectionsRefused: number;
  readonly handshakesFailed: number;
  readonly enrolments: number;
  readonly enrolmentsRefused: number;
  readonly renewals: number;
  readonly renewalsRefused: number;
  /** A renewal whose reply was lost, taken up again. */
  readonly renewalsResumed: number;
  readonly chainsStale: number;
  readonly clones: number;
  readonly revocations: number;
  readonly verdicts: number;
  readonly badFrames: number;
  readonly storageFaults: number;
}

/** Somebody who was refused before he had proved anything. */
export interface RefusalRow {
  readonly address: string;
  /** `tenant/vnf/instance` that he claimed to be; "" where that is not known. */
  readonly subject: string;
  /** Reason and sentence. */
  readonly reason: string;
  readonly times: number;
  /** The last time. */
  readonly at: number;
}

export interface SecEmStatus {
  readonly name: string;
  /** This Sec-EM's fencing epoch: gates believe the highest only (ASM-67). */
  readonly epoch: number;
  readonly revocation: number;
  /** What gates, gateways and agents pin: root, and key of its TLS certificate. */
  readonly rootKey: string;
  readonly transportKey: string;
  /** For agents, and for readers of the feed; as bound. */
  readonly listening: readonly AsmnEndpoint[];
  readonly feedListening: readonly AsmnEndpoint[];
  readonly instances: Readonly<Record<TrustState, number>>;
  readonly feeds: readonly FeedRow[];
  readonly counters: SecEmCounters;
  /** What is wrong now: sentences that say what to do. */
  readonly alarms: readonly string[];
  /** The last ones first; at most 20. */
  readonly refusals: readonly RefusalRow[];
}

export interface AuditRow {
  readonly sequence: number;
  readonly time: number;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly detail: string;
  readonly digest: string;
}

export interface AuditCheck {
  readonly whole: boolean;
  /** Entries read, and the numbers of first and last. */
  readonly entries: number;
  readonly first: number;
  readonly last: number;
  /** Signed heads that fit, and the sequence that the last one covers. */
  readonly heads: number;
  readonly signedTo: number;
  /** Where it breaks and how, when it is not whole. */
  readonly problem: string | undefined;
}

/** All methods reject with `SecEmError`. */
export interface SecEmControl {
  status(): Promise<SecEmStatus>;
  vnfs(tenant?: string): Promise<readonly VnfRow[]>;
  registerVnf(descriptor: VnfDescriptor, actor: Actor): Promise<VnfRow>;
  /** With its instances; those that are revoked stay so, by name and key, until `restore`. */
  removeVnf(name: VnfName, actor: Actor): Promise<void>;
  catalogs(tenant?: string): Promise<readonly CatalogRow[]>;
  /**
   * The tenant's lines beyond those of file and descriptors, in place of those set so before: a new
   * version, told to gateways at once (ASM-37).
   */
  setCatalog(
    tenant: string,
    entries: readonly AsmnCatalogEntry[],
    actor: Actor,
  ): Promise<CatalogRow>;
  images(name: VnfName): Promise<readonly ImageRow[]>;
  registerImage(image: ImageRequest, actor: Actor): Promise<ImageRow>;
  /** Instances that run it are untrusted from then on. */
  withdrawImage(name: VnfName, digest: string, actor: Actor): Promise<void>;
  tpmKeys(): Promise<readonly TpmKeyRow[]>;
  /** In place of one with that name. */
  registerTpmKey(key: AsmnTpmKey, actor: Actor): Promise<TpmKeyRow>;
  /** Instances that no other key vouches for are untrusted from then on; the rest proves itself anew. */
  removeTpmKey(name: string, actor: Actor): Promise<void>;
  tokens(scope?: Scope): Promise<readonly TokenRow[]>;
  issueToken(token: TokenRequest, actor: Actor): Promise<IssuedToken>;
  withdrawToken(id: string, actor: Actor): Promise<void>;
  instances(query: InstanceQuery): Promise<InstancePage>;
  /** Asks the instance for a fresh proof now; takes up to ten seconds. */
  verify(name: InstanceName, actor: Actor): Promise<VerifyResult>;
  revoke(scope: Scope, reason: string, actor: Actor): Promise<ScopeResult>;
  /** Takes a revocation, or a clone's stop, back: trusted again only after the next proof that holds. */
  restore(scope: Scope, reason: string, actor: Actor): Promise<ScopeResult>;
  /** One that is revoked stays so, by name and key, until `restore`. */
  removeInstance(name: InstanceName, actor: Actor): Promise<void>;
  keys(): Promise<readonly KeyRow[]>;
  /**
   * New keys for verdicts and catalogs (ASM-79); those before stay good for the overlap of the settings.
   * @param withdraw a key was lost: those before count no more from now on
   */
  rotateKeys(withdraw: boolean, actor: Actor): Promise<readonly KeyRow[]>;
  /** This Sec-EM is the writer from now on: an epoch above `above` and above its own. */
  takeOver(above: number, actor: Actor): Promise<SecEmStatus>;
  breakGlass(): Promise<readonly BreakGlassRow[]>;
  openBreakGlass(request: BreakGlassRequest, actor: Actor): Promise<BreakGlassRow>;
  endBreakGlass(id: string, actor: Actor): Promise<void>;
  /** @param after sequence of the last one known; at most 1,000 entries */
  audit(after: number, limit?: number): Promise<readonly AuditRow[]>;
  /** Reads all that is on the disk; takes a while. */
  verifyAudit(): Promise<AuditCheck>;
}

/** What the Sec-EM's owner does with it, beside asking. */
export interface SecEm extends SecEmControl {
  /**
   * Other settings, live: only what differs changes. Rejects, with everything as before, when a port cannot
   * be opened or a line of a catalog is wrong; name, state directory and root key must be those of the start.
   */
  configure(settings: SecEmSettings): Promise<void>;
  /** A gate or gateway of the same process: frames of the feed as octets, both ways. */
  subscribe(port: MessagePort): void;
  stop(): Promise<void>;
}
