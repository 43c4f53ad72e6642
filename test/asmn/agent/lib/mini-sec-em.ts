/**
 * A Sec-EM for tests of the agent: the protocol's own machine over real TLS, its records in memory, and a
 * fault where the test wants one. What it stored survives `restart`, as a disk would.
 */
import type { Server, TLSSocket } from "node:tls";
import type { AddressInfo } from "node:net";
import {
  generateSigningKey,
  instanceId,
  sha256,
  SUITES,
  systemRandom,
} from "../../../../src/asmn/crypto/index.js";
import { MessageLink, tlsIdentity, tlsServer } from "../../../../src/asmn/link/index.js";
import {
  agentAudience,
  agentLink,
  ALPN,
  exporterOf,
  FrameReader,
  makeToken,
  NEW_CHAIN,
  parseToken,
  releaseChain,
  SecEmLink,
  signHeartbeat,
  signKeyCertificate,
  signVerdict,
  splitCatalog,
} from "../../../../src/asmn/protocol/index.js";
import type {
  AgentMessage,
  Answer,
  ChainRecord,
  EvidenceFacts,
  Judgement,
  LinkEvent,
  SecEmPorts,
  Subject,
} from "../../../../src/asmn/protocol/index.js";
import { signCatalog } from "../../../../src/asmn/catalog/index.js";
import type { Catalog } from "../../../../src/asmn/catalog/index.js";
import { keyId } from "../../../../src/asmn/crypto/index.js";
import { toHex } from "../../../../src/util/bytes.js";

const DAY = 86_400_000;

interface Instance {
  id: Uint8Array;
  idNonce: Uint8Array;
  names: { tenant: string; vnf: string; instance: string };
  chain: ChainRecord;
  revoked: boolean;
  token: { id: Uint8Array; publicKey: Uint8Array; boundKey: Uint8Array; image: Uint8Array };
  /** Since the last restart. */
  trusted: boolean;
  counter: number;
}

export class MiniSecEm {
  private readonly name: string;
  readonly root = generateSigningKey();
  private readonly transport = generateSigningKey();
  private readonly verdictKey = generateSigningKey();
  private readonly catalogKey = generateSigningKey();
  private readonly instances = new Map<string, Instance>();
  private server: Server | undefined;
  private readonly sockets = new Set<TLSSocket>();
  private serial = 0;
  private epoch = 1;
  port = 0;
  /** Images that are valid, hex. */
  readonly images = new Set<string>();
  catalog: Catalog | undefined;
  md5Key: string | undefined;
  renewSeconds = 60;
  readonly events: LinkEvent[] = [];
  /** Every message that an agent sent, in order. */
  readonly received: AgentMessage[] = [];
  /** The next message of this kind is not sent: the connection is cut in its place. Once. */
  loseNext: AgentMessage["kind"] | undefined;
  /** The next message of this kind from the agent is lost with its connection. Once. */
  ignoreNext: AgentMessage["kind"] | undefined;
  /** The disk takes nothing. */
  diskFull = false;

  constructor(name = "em1") {
    this.name = name;
  }

  get rootKey(): string {
    return toHex(this.root.publicKey);
  }

  /** A token for this key and image; an instance of that name begins anew. */
  issue(
    names: Instance["names"],
    publicKey: string,
    image: Uint8Array,
  ): { text: string; id: Uint8Array } {
    const made = makeToken(systemRandom);
    const idNonce = systemRandom(16);
    this.instances.set(nameOf(names), {
      names,
      idNonce,
      id: instanceId(names, idNonce),
      chain: NEW_CHAIN,
      revoked: false,
      token: {
        id: made.id,
        publicKey: made.publicKey,
        boundKey: Buffer.from(publicKey, "hex"),
        image,
      },
      trusted: false,
      counter: 0,
    });
    if (parseToken(made.text) === undefined) throw new Error("no token");
    return { text: made.text, id: made.id };
  }

  instance(name: string): Instance {
    const found = [...this.instances.values()].find(({ names }) => names.instance === name);
    if (found === undefined) throw new Error(`no instance ${name}`);
    return found;
  }

  /** Has a copy of what another one knows of it. */
  adopt(instance: Instance): void {
    this.instances.set(nameOf(instance.names), { ...instance });
  }

  release(name: string): void {
    const instance = this.instance(name);
    instance.chain = releaseChain(instance.chain);
  }

  async start(): Promise<void> {
    const identity = tlsIdentity(this.transport, this.name);
    const server = tlsServer({
      alpn: ALPN.agent,
      identity,
      most: 64,
      onPeer: ({ socket, publicKey }) => this.serve(socket, publicKey),
    });
    await new Promise<void>((resolve) => server.listen(this.port, "127.0.0.1", resolve));
    this.port = (server.address() as AddressInfo).port;
    this.server = server;
  }

  /** Dies: connections are gone, what was stored stays. */
  async kill(): Promise<void> {
    const { server } = this;
    if (server === undefined) return;
    this.server = undefined;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of this.sockets) socket.destroy();
    await closed;
    for (const instance of this.instances.values()) instance.trusted = false;
  }

  /** Revoked: told to those who asked, and to the instance's own agent unless the word is lost. */
  revoke(name: string, tellsItsAgent = true): void {
    const instance = this.instance(name);
    instance.revoked = true;
    instance.trusted = false;
    const sentence = "revoked by the operator";
    if (tellsItsAgent)
      this.push(instance, { kind: "notice", state: "untrusted", reason: "revoked", sentence });
    this.tellAskers(instance);
  }

  /** Asks for a step now. */
  prompt(name: string): void {
    this.push(this.instance(name), { kind: "prompt", sentence: "verify" });
  }

  private readonly links = new Map<string, (message: AgentMessage) => void>();
  private readonly askers: { id: string; request: number; asker: EvidenceFacts }[] = [];

  private push(instance: Instance, message: AgentMessage): void {
    this.links.get(toHex(instance.id))?.(message);
  }

  private tellAskers(about: Instance): void {
    for (const { id, request, asker } of this.askers) {
      if (id !== toHex(about.id)) continue;
      this.links.get(toHex(asker.id))?.(this.answerAbout(about, request, asker));
    }
  }

  private serve(socket: TLSSocket, peerKey: Uint8Array): void {
    this.sockets.add(socket);
    socket.once("close", () => this.sockets.delete(socket));
    const exporter = exporterOf(socket, ALPN.agent);
    const remoteAddress = socket.remoteAddress ?? "";
    const link = new SecEmLink(
      this.ports(),
      {
        name: this.name,
        transportKey: this.transport,
        certificates: this.certificates(),
        suites: SUITES,
      },
      { exporter, peerKey, remoteAddress },
    );
    let work = Promise.resolve();
    let beats = 0;
    const send = (message: AgentMessage): boolean => {
      if (this.loseNext === message.kind) {
        this.loseNext = undefined;
        socket.destroy();
        return false;
      }
      wire.send(message);
      return true;
    };
    const beat = (asker: EvidenceFacts): void => {
      beats += 1;
      const document = signHeartbeat(
        {
          secEm: this.name,
          audience: agentAudience(asker.id),
          nonce: exporter,
          sequence: beats,
          time: Date.now(),
          epoch: this.epoch,
          revocation: 0,
          intervalSeconds: 5,
        },
        this.verdictKey,
      );
      send({ kind: "heartbeat", document });
    };
    const receive = async (message: AgentMessage): Promise<void> => {
      if (this.ignoreNext === message.kind) {
        this.ignoreNext = undefined;
        socket.destroy();
        return;
      }
      const output = await link.receive(message);
      for (const event of output.events) this.note(event);
      for (const one of output.send) if (!send(one)) return;
      const [trusted] = output.events;
      if (message.kind === "ask" && beats === 0) {
        const asker = this.byKey(peerKey);
        if (asker !== undefined) beat({ id: asker.id } as EvidenceFacts);
      }
      if (trusted?.kind === "trusted") this.links.set(toHex(trusted.id), (told) => void send(told));
      if (output.close) wire.end();
    };
    const wire = new MessageLink(socket, agentLink, new FrameReader(), {
      message: (message) => {
        this.received.push(message);
        work = work.then(() => receive(message));
      },
      fault: () => undefined,
      closed: () => undefined,
    });
    send(link.hello());
  }

  private note(event: LinkEvent): void {
    this.events.push(event);
    const id = "id" in event ? event.id : undefined;
    const instance = [...this.instances.values()].find(
      (each) => id !== undefined && toHex(each.id) === toHex(id),
    );
    if (instance === undefined) return;
    if (event.kind === "trusted") {
      instance.trusted = true;
      instance.counter = event.counter;
    } else if (event.kind !== "refused") {
      instance.trusted = false;
      this.tellAskers(instance);
    }
  }

  private byKey(key: Uint8Array): Instance | undefined {
    return [...this.instances.values()].find(
      ({ chain }) => chain.instanceKey !== undefined && toHex(chain.instanceKey) === toHex(key),
    );
  }

  private certificates(): Uint8Array[] {
    const [notBefore, notAfter] = [Date.now() - DAY, Date.now() + DAY];
    const certify = (
      purpose: "transport" | "verdict" | "catalog",
      key: { publicKey: Uint8Array },
    ): Uint8Array =>
      signKeyCertificate(
        {
          purpose,
          secEm: this.name,
          publicKey: key.publicKey,
          serial: 1,
          floor: 1,
          notBefore,
          notAfter,
        },
        this.root,
      );
    return [
      certify("transport", this.transport),
      certify("verdict", this.verdictKey),
      certify("catalog", this.catalogKey),
    ];
  }

  private ports(): SecEmPorts {
    return {
      random: systemRandom,
      now: () => performance.now(),
      time: () => Date.now(),
      find: (begin) => {
        const instance = this.instances.get(nameOf(begin));
        if (instance === undefined) return Promise.resolve(undefined);
        return Promise.resolve(this.subject(instance, begin.tokenId));
      },
      exclusively: (_id, run) => run(),
      store: (id, chain) => {
        if (this.diskFull) return Promise.reject(new Error("ENOSPC"));
        for (const each of this.instances.values()) {
          if (toHex(each.id) === toHex(id)) each.chain = chain;
        }
        return Promise.resolve();
      },
      judge: (facts) => Promise.resolve(this.judge(facts)),
      ask: (ask, asker) => {
        const about = [...this.instances.values()].find(
          ({ id, names }) =>
            (ask.id !== undefined && toHex(ask.id) === toHex(id)) ||
            (ask.vnf === names.vnf && ask.instance === names.instance),
        );
        const { request } = ask;
        if (about === undefined) {
          const nothing = {
            state: "unknown",
            reason: "unknown",
            sentence: "no such instance",
          } as const;
          const time = Date.now();
          return Promise.resolve({ kind: "answer", request, time, ...nothing, verdict: undefined });
        }
        this.askers.push({ id: toHex(about.id), request, asker });
        return Promise.resolve(this.answerAbout(about, request, asker));
      },
    };
  }

  private subject(instance: Instance, tokenId: Uint8Array | undefined): Subject | undefined {
    const { token, id, idNonce, chain, revoked } = instance;
    const named = tokenId !== undefined && toHex(tokenId) === toHex(token.id);
    if (tokenId !== undefined && !named) return undefined;
    const octets = this.catalogOctets();
    const digest = octets === undefined ? new Uint8Array(32) : sha256(octets);
    const version = this.catalog?.version ?? 0;
    const { tenant } = instance.names;
    return {
      ...{ id, idNonce, chain, revoked, epoch: this.epoch },
      token: named
        ? {
            publicKey: token.publicKey,
            boundKey: token.boundKey,
            image: token.image,
            expired: false,
          }
        : undefined,
      catalogVersion: version,
      catalogDigest: digest,
      catalog: octets === undefined ? [] : splitCatalog({ tenant, version, digest, octets }),
    };
  }

  private catalogOctets(): Uint8Array | undefined {
    return (
      this.catalog &&
      signCatalog(this.catalog, toHex(keyId(this.catalogKey.publicKey)), this.catalogKey)
    );
  }

  private judge({ image }: EvidenceFacts): Judgement {
    const good = this.images.has(toHex(image));
    return {
      reason: good ? "none" : "image",
      sentence: good ? "" : "the image is not registered",
      lifetimeSeconds: 300,
      renewSeconds: this.renewSeconds,
      binding: this.md5Key === undefined ? "address" : "tcp-md5",
      md5Key: this.md5Key === undefined ? undefined : new Uint8Array(Buffer.from(this.md5Key)),
    };
  }

  private answerAbout(about: Instance, request: number, asker: EvidenceFacts): Answer {
    const { names, id, chain, trusted, counter } = about;
    const state = trusted ? "trusted" : "untrusted";
    const reason = trusted ? "none" : "revoked";
    const time = Date.now();
    const verdict = signVerdict(
      {
        ...names,
        ...{ secEm: this.name, audience: agentAudience(asker.id), id, state, reason, sentence: "" },
        instanceKey: chain.instanceKey ?? new Uint8Array(32),
        addresses: [],
        as: undefined,
        routerId: undefined,
        binding: "address",
        md5Commitment: undefined,
        catalogVersion: this.catalog?.version ?? 0,
        catalogDigest: new Uint8Array(32),
        root: "none",
        epoch: this.epoch,
        serial: ++this.serial,
        issued: time,
        lifetimeSeconds: 300,
        counter,
        proven: time,
      },
      this.verdictKey,
    );
    return { kind: "answer", request, time, state, reason, sentence: "", verdict };
  }
}

function nameOf({ tenant, vnf, instance }: Instance["names"]): string {
  return `${tenant}/${vnf}/${instance}`;
}
