/**
 * Sound mode for attackers: a Sec-EM with its registry in memory, honest agents, and everything that passes
 * between them in clear, as if TLS were not there. What an attacker cannot do here he cannot do to TLS either.
 */
import {
  generateSigningKey,
  instanceId,
  sha256,
  SUITES,
  systemRandom,
  type SigningKey,
} from "../../../src/asmn/crypto/index.js";
import {
  agentLink,
  FrameReader,
  KeyRing,
  makeToken,
  parseToken,
  signKeyCertificate,
  type AgentMessage,
  type Begin,
  type Result,
} from "../../../src/asmn/protocol/index.js";
import { AgentLink } from "../../../src/asmn/protocol/agent-link.js";
import type { AgentPorts } from "../../../src/asmn/protocol/agent-ports.js";
import { NEW_AGENT, type AgentState } from "../../../src/asmn/protocol/agent-state.js";
import { NEW_CHAIN, type ChainRecord } from "../../../src/asmn/protocol/chain.js";
import { SecEmLink } from "../../../src/asmn/protocol/sec-em-link.js";
import type {
  ConnectionFacts,
  LinkEvent,
  Subject,
} from "../../../src/asmn/protocol/sec-em-ports.js";

export const IMAGE = sha256(Buffer.from("an image that everybody has"));
const TIME = 1_700_000_000_000;
const ZEROS = new Uint8Array(32);
const MD5_KEY = Buffer.from("0123456789abcdef0123456789abcdef");

export interface Names {
  readonly tenant: string;
  readonly vnf: string;
  readonly instance: string;
}

interface Entry {
  subject: Subject;
  readonly tokenId: Uint8Array;
}

/** One connection: its Sec-EM's end, what has passed, what came of it. */
export interface Wire {
  readonly facts: ConnectionFacts;
  readonly link: SecEmLink;
  readonly passed: { readonly from: "agent" | "sec-em"; readonly message: AgentMessage }[];
  readonly events: LinkEvent[];
}

export class SoundSecEm {
  readonly root = generateSigningKey();
  readonly transport = generateSigningKey();
  /** How often something was stored. */
  stores = 0;
  private readonly entries = new Map<string, Entry>();

  /** @returns the token's text */
  register(names: Names): string {
    const token = makeToken(systemRandom);
    const idNonce = systemRandom(16);
    this.entries.set(keyOf(names), {
      tokenId: token.id,
      subject: {
        ...{ id: instanceId(names, idNonce), idNonce, chain: NEW_CHAIN, revoked: false, epoch: 1 },
        token: { publicKey: token.publicKey, boundKey: undefined, image: IMAGE, expired: false },
        ...{ catalogVersion: 0, catalogDigest: ZEROS, catalog: [] },
      },
    });
    return token.text;
  }

  chain(names: Names): ChainRecord {
    return this.subject(names).chain;
  }

  /** @param peerKey of the TLS certificate; every connection has an exporter of its own */
  connect(peerKey: Uint8Array): Wire {
    const facts = { exporter: systemRandom(32), peerKey, remoteAddress: "192.0.2.1" };
    const certificate = signKeyCertificate(
      {
        ...{ purpose: "transport", secEm: "sec-em", publicKey: this.transport.publicKey },
        ...{ serial: 1, floor: 1, notBefore: TIME - 1000, notAfter: TIME + 1000 },
      },
      this.root,
    );
    const own = {
      ...{ name: "sec-em", transportKey: this.transport },
      ...{ certificates: [certificate], suites: SUITES },
    };
    const link = new SecEmLink(
      {
        random: systemRandom,
        ...{ now: () => 1000, time: () => TIME },
        find: (begin) => Promise.resolve(this.find(begin)),
        exclusively: (_id, run) => run(),
        store: (id, chain) => Promise.resolve(this.store(id, chain)),
        judge: ({ image }) =>
          Promise.resolve({
            reason: Buffer.from(image).equals(IMAGE) ? "none" : "image",
            ...{ sentence: "", lifetimeSeconds: 300, renewSeconds: 60 },
            ...{ binding: "tcp-md5", md5Key: new Uint8Array(MD5_KEY) },
          } as const),
        ask: () => Promise.reject(new Error("nobody asks here")),
      },
      own,
      facts,
    );
    return { facts, link, passed: [], events: [] };
  }

  private find(begin: Begin): Subject | undefined {
    const entry = this.entries.get(keyOf(begin));
    if (entry === undefined) return undefined;
    if (begin.tokenId === undefined) return { ...entry.subject, token: undefined };
    return Buffer.from(begin.tokenId).equals(entry.tokenId) ? entry.subject : undefined;
  }

  private store(id: Uint8Array, chain: ChainRecord): void {
    this.stores++;
    for (const entry of this.entries.values())
      if (Buffer.from(entry.subject.id).equals(id)) entry.subject = { ...entry.subject, chain };
  }

  private subject(names: Names): Subject {
    const entry = this.entries.get(keyOf(names));
    if (entry === undefined) throw new Error("not registered");
    return entry.subject;
  }
}

/** Sends one message to the Sec-EM, through the octets of its frame; what comes back is on the wire too. */
export async function say(wire: Wire, message: AgentMessage): Promise<readonly AgentMessage[]> {
  wire.passed.push({ from: "agent", message: framed(message) });
  const { send, events } = await wire.link.receive(framed(message));
  wire.events.push(...events);
  const answers = send.map(framed);
  for (const answer of answers) wire.passed.push({ from: "sec-em", message: answer });
  return answers;
}

/** As an eavesdropper has it: all octets, in order. */
export function octetsOf(wire: Wire): Uint8Array {
  return Buffer.concat(wire.passed.map(({ message }) => agentLink.encode(message)));
}

/** The one message of a kind that has passed. */
export function passed<K extends AgentMessage["kind"]>(
  wire: Wire,
  kind: K,
): Extract<AgentMessage, { kind: K }> {
  const found = wire.passed.find(({ message }) => message.kind === kind)?.message;
  if (found === undefined) throw new Error(`no ${kind} has passed`);
  return found as Extract<AgentMessage, { kind: K }>;
}

export class HonestAgent {
  readonly key: SigningKey = generateSigningKey();
  readonly names: Names;
  /** As stored. A secret. */
  state: AgentState = NEW_AGENT;
  private readonly secEm: SoundSecEm;
  private readonly token: string;

  constructor(names: Names, secEm: SoundSecEm) {
    this.names = names;
    this.secEm = secEm;
    this.token = secEm.register(names);
  }

  /** A whole step over a connection of its own, from Hello to Done. */
  async step(image = IMAGE): Promise<Wire> {
    const wire = this.secEm.connect(this.key.publicKey);
    const link = this.link(wire, image);
    const toAgent: AgentMessage[] = [framed(wire.link.hello())];
    for (let next = toAgent.shift(); next !== undefined; next = toAgent.shift()) {
      const { send } = await link.receive(next);
      for (const message of send) toAgent.push(...(await say(wire, message)));
    }
    return wire;
  }

  private link({ facts }: Wire, image: Uint8Array): AgentLink {
    const ring = new KeyRing([this.secEm.root.publicKey], () => TIME);
    const connection = { exporter: facts.exporter, peerKey: this.secEm.transport.publicKey };
    const own = {
      ...{ names: this.names, key: this.key, suites: SUITES },
      ...{ token: parseToken(this.token), secEm: undefined },
    };
    const ports: AgentPorts = {
      random: systemRandom,
      store: (state) => {
        this.state = state;
        return Promise.resolve();
      },
      measure: () => Promise.resolve({ image, manifest: ZEROS }),
      prove: () => Promise.resolve({ kind: "none", document: new Uint8Array(0) }),
      catalog: () => ({ version: 0, digest: ZEROS }),
      takeCatalog: () => Promise.resolve({ ok: true, value: undefined }),
    };
    return new AgentLink(ports, own, this.state, ring, connection);
  }
}

export const NAMES: Names = { tenant: "tenant-1", vnf: "VNF2", instance: "instance-1" };

/** A Sec-EM and an agent that has enrolled. */
export async function soundTenant(): Promise<{
  readonly secEm: SoundSecEm;
  readonly agent: HonestAgent;
  readonly enrolled: Wire;
}> {
  const secEm = new SoundSecEm();
  const agent = new HonestAgent(NAMES, secEm);
  const enrolled = await agent.step();
  passed(enrolled, "done");
  return { secEm, agent, enrolled };
}

export function resultOf(wire: Wire): Result {
  return passed(wire, "result");
}

function keyOf({ tenant, vnf, instance }: Names): string {
  return `${tenant} ${vnf} ${instance}`;
}

/** Through its octets and back, as the other side reads it. */
function framed(message: AgentMessage): AgentMessage {
  let read: AgentMessage | undefined;
  new FrameReader(65_536).push(agentLink.encode(message), (frame) => {
    const decoded = agentLink.decode(frame);
    if (decoded.ok) read = decoded.value;
    return true;
  });
  if (read === undefined) throw new Error(`${message.kind} does not read back`);
  return read;
}
