/** A Sec-EM's side of the feed in a test's hand: its keys, and whatever it is made to sign. */
import {
  generateSigningKey,
  signingKeyFromSeed,
  type SigningKey,
} from "../../../src/asmn/crypto/index.js";
import {
  md5Commitment,
  signBreakGlass,
  signHeartbeat,
  signKeyCertificate,
  signVerdict,
  type BreakGlass,
  type FeedMessage,
  type KeyPurpose,
  type Verdict,
} from "../../../src/asmn/protocol/index.js";

export const seeded = (octet: number): SigningKey =>
  signingKeyFromSeed(new Uint8Array(32).fill(octet));
export const ID = new Uint8Array(32).fill(7);
const HOUR = 3_600_000;

export class ScriptedSecEm {
  readonly name: string;
  readonly root = seeded(1);
  readonly transport = seeded(2);
  readonly verdictKey = seeded(3);
  readonly glassKey = seeded(4);
  epoch = 1;
  revocation = 0;
  serial = 0;
  private sequence = 0;
  private readonly wall: () => number;

  /** @param wall its clock, milliseconds */
  constructor(name: string, wall: () => number) {
    this.name = name;
    this.wall = wall;
  }

  certificate(purpose: KeyPurpose, { publicKey }: SigningKey, root = this.root): Uint8Array {
    const now = this.wall();
    return signKeyCertificate(
      {
        purpose,
        secEm: this.name,
        publicKey,
        serial: 1,
        floor: 0,
        notBefore: now - HOUR,
        notAfter: now + 24 * HOUR,
      },
      root,
    );
  }

  hello(root = this.root): FeedMessage {
    return {
      kind: "hello",
      mode: "sound",
      secEm: this.name,
      suites: ["aes-256-gcm"],
      time: this.wall(),
      certificates: [
        this.certificate("transport", this.transport, root),
        this.certificate("verdict", this.verdictKey, root),
        this.certificate("break-glass", this.glassKey, root),
      ],
    };
  }

  /** A new subscription counts from 1. */
  begin(): void {
    this.sequence = 0;
  }

  heartbeat(audience: string, nonce: Uint8Array, key = this.verdictKey): FeedMessage {
    const document = signHeartbeat(
      {
        secEm: this.name,
        audience,
        nonce,
        sequence: ++this.sequence,
        time: Math.trunc(this.wall()),
        epoch: this.epoch,
        revocation: this.revocation,
        intervalSeconds: 5,
      },
      key,
    );
    return { kind: "heartbeat", document };
  }

  verdict(over: Partial<Verdict> = {}, key = this.verdictKey): Uint8Array {
    return signVerdict(
      {
        secEm: this.name,
        audience: "gate",
        tenant: "t",
        vnf: "edge",
        instance: "1",
        id: ID,
        instanceKey: seeded(9).publicKey,
        state: "trusted",
        reason: "none",
        sentence: "",
        addresses: ["192.0.2.1"],
        as: 65000,
        routerId: 0x01010101,
        binding: "address",
        md5Commitment: undefined,
        catalogVersion: 1,
        catalogDigest: new Uint8Array(32),
        root: "none",
        epoch: this.epoch,
        serial: ++this.serial,
        issued: Math.trunc(this.wall()),
        lifetimeSeconds: 300,
        counter: 1,
        proven: Math.trunc(this.wall()),
        ...over,
      },
      key,
    );
  }

  item(over: Partial<Verdict> = {}, md5Key?: Uint8Array, revocation = 0): FeedMessage {
    const commitment =
      md5Key === undefined ? {} : { md5Commitment: md5Commitment(ID, this.epoch, md5Key) };
    const verdict = this.verdict({ ...commitment, ...over });
    return { kind: "item", verdict, md5Key, revocation };
  }

  marker(items = 1): FeedMessage {
    return { kind: "marker", items, catalogs: 0, revocation: this.revocation };
  }

  glass(over: Partial<BreakGlass> = {}, key = this.glassKey): Uint8Array {
    const now = Math.trunc(this.wall());
    return signBreakGlass(
      {
        secEm: this.name,
        audience: "gate",
        serial: 1,
        operator: "ann",
        why: "a fire",
        tenant: "t",
        vnf: undefined,
        instance: undefined,
        address: "192.0.2.1",
        notBefore: now,
        notAfter: now + HOUR,
        ...over,
      },
      key,
    );
  }
}

export const stranger = generateSigningKey();
