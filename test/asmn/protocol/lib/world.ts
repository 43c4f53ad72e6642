/**
 * A Sec-EM and VNFs without sockets: what is "stored" is encoded octets, every message goes through the codec,
 * and time and randomness are the test's. Hooks make stores fail or either side die.
 */
import { instanceId, makeEphemeral, sha256, SUITES } from "../../../../src/asmn/crypto/index.js";
import type { InstanceNames, SigningKey, Suite } from "../../../../src/asmn/crypto/index.js";
import {
  agentLink,
  AgentLink,
  decodeAgentState,
  decodeChain,
  encodeAgentState,
  encodeChain,
  FrameReader,
  KeyRing,
  makeToken,
  NEW_AGENT,
  NEW_CHAIN,
  parseToken,
  SecEmLink,
  splitCatalog,
} from "../../../../src/asmn/protocol/index.js";
import type {
  AgentEvent,
  AgentMessage,
  AgentState,
  Begin,
  ChainRecord,
  EvidenceFacts,
  Judgement,
  LinkEvent,
  SecEmPorts,
  Subject,
  Token,
} from "../../../../src/asmn/protocol/index.js";
import { CERTIFICATES, ROOT, START, TRANSPORT, testKey } from "./keys.js";
import { seededRandom } from "./random.js";

export const IMAGE = sha256(Buffer.from("image 1"));
export const MANIFEST = sha256(Buffer.from("manifest 1"));
export const CATALOG = new Uint8Array(Buffer.from("a signed catalog"));

/** Thrown at a store: the side is dead, and nothing that it would have sent leaves. */
export class Died extends Error {}

/** Before a store and after it: may throw `Died`, or an error for a full disk. */
export interface StoreHooks {
  before(): void;
  after(): void;
}

const CALM: StoreHooks = { before: () => undefined, after: () => undefined };

export interface Registered {
  readonly names: InstanceNames;
  readonly id: Uint8Array;
  readonly idNonce: Uint8Array;
  /** As on the disk. */
  chain: Uint8Array;
  revoked: boolean;
  epoch: number;
  readonly tokenId: Uint8Array;
  readonly tokenKey: Uint8Array;
  boundKey: Uint8Array | undefined;
  tokenUntil: number;
}

function strike(side: { hooks: StoreHooks; died: boolean }, when: keyof StoreHooks): void {
  try {
    side.hooks[when]();
  } catch (error) {
    side.died = error instanceof Died;
    throw error;
  }
}

export class World {
  readonly random;
  now = 1000;
  hooks = CALM;
  died = false;
  suites: readonly Suite[] = SUITES;
  images = [IMAGE];
  catalog = { version: 1, octets: CATALOG };
  md5Key: Uint8Array | undefined = new Uint8Array(Buffer.from("0123456789abcdef".repeat(2)));
  readonly registry: Registered[] = [];
  readonly events: LinkEvent[] = [];
  private readonly busy = new Map<string, Promise<unknown>>();

  constructor(seed = "world") {
    this.random = seededRandom(seed);
  }

  /** Gives the token's text. */
  issue(names: InstanceNames, boundKey?: Uint8Array): { token: Token; entry: Registered } {
    const made = makeToken(this.random);
    const idNonce = this.random(16);
    const token = parseToken(made.text);
    if (token === undefined) throw new Error("the token does not parse");
    const entry: Registered = {
      names,
      id: instanceId(names, idNonce),
      idNonce,
      chain: encodeChain(NEW_CHAIN),
      revoked: false,
      epoch: 1,
      tokenId: made.id,
      tokenKey: made.publicKey,
      boundKey,
      tokenUntil: this.now + 3_600_000,
    };
    this.registry.push(entry);
    return { token, entry };
  }

  chain(entry: Registered): ChainRecord {
    const decoded = decodeChain(entry.chain);
    if (!decoded.ok) throw new Error(decoded.sentence);
    return decoded.value;
  }

  link(exporter: Uint8Array, peerKey: Uint8Array): SecEmLink {
    const own = {
      name: "em1",
      transportKey: TRANSPORT,
      certificates: CERTIFICATES,
      suites: this.suites,
    };
    return new SecEmLink(this.ports(), own, { exporter, peerKey, remoteAddress: "192.0.2.1" });
  }

  judge(facts: EvidenceFacts): Judgement {
    const known = this.images.some((image) => Buffer.compare(image, facts.image) === 0);
    const current = Buffer.compare(facts.askedCatalogDigest, facts.catalogDigest) === 0;
    return {
      reason: !known ? "image" : current ? "none" : "catalog",
      sentence: known ? "" : "an image that is not registered",
      lifetimeSeconds: 300,
      renewSeconds: 60,
      binding: this.md5Key === undefined ? "address" : "tcp-md5",
      md5Key: this.md5Key,
    };
  }

  /** States told for that instance, in order. */
  told(entry: Registered): string[] {
    return this.events
      .filter((event) => event.id !== undefined && Buffer.compare(event.id, entry.id) === 0)
      .map((event) => ("fault" in event ? `${event.kind}: ${event.fault.reason}` : event.kind));
  }

  private ports(): SecEmPorts {
    return {
      random: this.random,
      now: () => this.now,
      time: () => START + this.now,
      find: (begin) => Promise.resolve(this.find(begin)),
      exclusively: (id, run) => this.exclusively(id, run),
      store: (id, chain) => this.store(id, chain),
      judge: (facts) => Promise.resolve(this.judge(facts)),
      ask: (ask) =>
        Promise.resolve({
          kind: "answer",
          request: ask.request,
          time: START + this.now,
          state: "unknown",
          reason: "unknown",
          sentence: "",
          verdict: undefined,
        }),
    };
  }

  private find(begin: Begin): Subject | undefined {
    const entry = this.registry.findLast(({ names, tokenId }) =>
      begin.tokenId === undefined
        ? names.instance === begin.instance && names.tenant === begin.tenant
        : Buffer.compare(tokenId, begin.tokenId) === 0 && names.instance === begin.instance,
    );
    if (entry === undefined) return undefined;
    const { version, octets } = this.catalog;
    const digest = sha256(octets);
    const token = {
      publicKey: entry.tokenKey,
      boundKey: entry.boundKey,
      image: IMAGE,
      expired: this.now > entry.tokenUntil,
    };
    return {
      id: entry.id,
      idNonce: entry.idNonce,
      chain: this.chain(entry),
      revoked: entry.revoked,
      token: begin.tokenId === undefined ? undefined : token,
      catalogVersion: version,
      catalogDigest: digest,
      catalog: splitCatalog({ tenant: begin.tenant, version, digest, octets }),
      epoch: entry.epoch,
    };
  }

  private async exclusively<T>(id: Uint8Array, run: () => Promise<T>): Promise<T> {
    const key = Buffer.from(id).toString("hex");
    const former = this.busy.get(key) ?? Promise.resolve();
    const next = former.then(run, run);
    this.busy.set(
      key,
      next.catch(() => undefined),
    );
    return next;
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- throws as a rejection
  private async store(id: Uint8Array, chain: ChainRecord): Promise<void> {
    strike(this, "before");
    const entry = this.registry.find((one) => Buffer.compare(one.id, id) === 0);
    if (entry === undefined) throw new Error("no such instance");
    entry.chain = encodeChain(chain);
    strike(this, "after");
  }
}

export class Vnf {
  readonly names: InstanceNames;
  readonly key: SigningKey;
  token: Token | undefined;
  image = IMAGE;
  hooks = CALM;
  died = false;
  suites: readonly Suite[] = SUITES;
  /** As on the disk. */
  disk = encodeAgentState(NEW_AGENT);
  catalog: { version: number; digest: Uint8Array } = { version: 0, digest: new Uint8Array(32) };
  md5Key: Uint8Array | undefined;
  readonly events: AgentEvent[] = [];
  private readonly random;

  constructor(names: InstanceNames, token: Token | undefined, key = testKey(names.instance)) {
    this.names = names;
    this.token = token;
    this.key = key;
    this.random = seededRandom(`vnf ${names.instance}`);
  }

  get state(): AgentState {
    const decoded = decodeAgentState(this.disk);
    if (!decoded.ok) throw new Error(decoded.sentence);
    return decoded.value;
  }

  /** All that a snapshot of the machine has. */
  snapshot(): Vnf {
    const copy = new Vnf(this.names, this.token, this.key);
    copy.disk = Uint8Array.from(this.disk);
    copy.catalog = this.catalog;
    // Another boot: other random numbers.
    copy.random(1000);
    return copy;
  }

  link(
    exporter: Uint8Array,
    wall: () => number,
    peerKey = TRANSPORT.publicKey,
    ring = new KeyRing([ROOT.publicKey], wall),
  ): AgentLink {
    const ports = {
      random: this.random,
      // eslint-disable-next-line @typescript-eslint/require-await -- throws as a rejection
      store: async (state: AgentState) => {
        strike(this, "before");
        this.disk = encodeAgentState(state);
        strike(this, "after");
      },
      measure: () => Promise.resolve({ image: this.image, manifest: MANIFEST }),
      prove: () => Promise.resolve({ kind: "none", document: new Uint8Array(0) } as const),
      catalog: () => this.catalog,
      takeCatalog: (part: { version: number; digest: Uint8Array }) => {
        this.catalog = { version: part.version, digest: part.digest };
        return Promise.resolve({ ok: true, value: undefined } as const);
      },
    };
    const { names, key, suites, token } = this;
    const own = { names, key, suites, token, secEm: undefined };
    return new AgentLink(ports, own, this.state, ring, { exporter, peerKey });
  }
}

export type Side = "agent" | "sec-em";

/** What becomes of a message on its way: the messages that arrive in its place. */
export type Meddle = (from: Side, message: AgentMessage) => readonly AgentMessage[];

const PASS: Meddle = (_from, message) => [message];

/** One TLS connection between a VNF and the Sec-EM. */
export class Connection {
  readonly exporter: Uint8Array;
  readonly seen: { from: Side; message: AgentMessage }[] = [];
  readonly agent: AgentLink;
  readonly secEm: SecEmLink;
  closed = false;
  meddle: Meddle;
  private readonly world: World;
  private readonly vnf: Vnf;
  private readonly queue: { from: Side; message: AgentMessage }[] = [];

  constructor(world: World, vnf: Vnf, meddle = PASS) {
    this.meddle = meddle;
    this.world = world;
    this.vnf = vnf;
    this.exporter = world.random(32);
    this.secEm = world.link(this.exporter, vnf.key.publicKey);
    this.agent = vnf.link(this.exporter, () => START + world.now);
    this.put("sec-em", [this.secEm.hello()]);
  }

  /** Until nothing is on its way, or either side has closed. */
  async run(): Promise<this> {
    while (!this.closed) {
      const next = this.queue.shift();
      if (next === undefined) break;
      await this.arrive(next.from, next.message);
    }
    return this;
  }

  async renew(): Promise<this> {
    const output = this.agent.renew();
    this.vnf.events.push(...output.events);
    this.put("agent", output.send);
    return this.run();
  }

  /** As if it had come from that side. */
  put(from: Side, messages: readonly AgentMessage[]): void {
    for (const message of messages) {
      this.seen.push({ from, message });
      for (const one of this.meddle(from, message)) this.queue.push({ from, message: recode(one) });
    }
  }

  private async arrive(from: Side, message: AgentMessage): Promise<void> {
    const { world, vnf } = this;
    const isForSecEm = from === "agent";
    const { send, events, close } = await (isForSecEm
      ? this.toSecEm(message)
      : this.toAgent(message));
    if (world.died || vnf.died) {
      world.died = vnf.died = false;
      this.closed = true;
      return;
    }
    for (const event of events) if (event.kind === "result") vnf.md5Key = event.md5Key;
    this.put(isForSecEm ? "sec-em" : "agent", send);
    if (close && isForSecEm) await this.last();
    this.closed ||= close;
  }

  private async toSecEm(message: AgentMessage) {
    const output = await this.secEm.receive(message);
    if (!this.world.died) this.world.events.push(...output.events);
    return { ...output, events: [] as AgentEvent[] };
  }

  private async toAgent(message: AgentMessage) {
    const output = await this.agent.receive(message);
    this.vnf.events.push(...output.events);
    return output;
  }

  /** The Sec-EM closes behind what it has sent. */
  private async last(): Promise<void> {
    for (const { from, message } of this.queue.splice(0)) {
      if (from === "sec-em" && !this.closed) await this.arrive(from, message);
    }
    this.closed = true;
  }
}

/** Through the codec, as it would come. */
export function recode(message: AgentMessage): AgentMessage {
  let out: AgentMessage | undefined;
  new FrameReader().push(agentLink.encode(message), (frame) => {
    const decoded = agentLink.decode(frame);
    if (!decoded.ok) throw new Error(decoded.sentence);
    out = decoded.value;
    return true;
  });
  if (out === undefined) throw new Error("the message was not one frame");
  return out;
}

export const NAMES: InstanceNames = { tenant: "red", vnf: "edge", instance: "edge-1" };

/** A Sec-EM, and a VNF that has enrolled with it. */
export async function enrolled(
  seed?: string,
): Promise<{ world: World; vnf: Vnf; entry: Registered; connection: Connection }> {
  const world = new World(seed);
  const { token, entry } = world.issue(NAMES);
  const vnf = new Vnf(NAMES, token);
  const connection = await new Connection(world, vnf).run();
  return { world, vnf, entry, connection };
}

/** An ephemeral key that nobody uses. */
export function strangerHalf(seed: string): Uint8Array {
  return makeEphemeral(seededRandom(seed)).publicKey;
}
