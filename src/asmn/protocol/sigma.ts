/**
 * The exchange between two VNFs (ASM-16, ASM-60), both sides, without sockets:
 *
 *   initiator                               responder
 *   greet()            -- Greet -->         greet(message)
 *   reply(message)     <-- Reply --
 *                      -- Prove -->         prove(message): who it is; then its Sec-EM is asked about that ID
 *   accept(message)    <-- Accept --        accept(key of the verdict)
 *
 * The initiator has asked its Sec-EM before Greet, and names ID and key it was told. Whoever gets a fault
 * sends Refused and closes; an object serves one exchange.
 */
import { agree, equalSecrets, isPublicKey, makeEphemeral } from "../crypto/index.js";
import type { Ephemeral, RandomSource, SigningKey, Suite } from "../crypto/index.js";
import { Channel } from "./channel.js";
import type { Accept, Greet, Prove, Reply } from "./peer-messages.js";
import {
  deriveSigma,
  finishMac,
  openIdentity,
  sealIdentity,
  secondHash,
  trafficSecret,
} from "./sigma-keys.js";
import type { SigmaKeys } from "./sigma-keys.js";
import { fail, pass } from "./words.js";
import type { Checked } from "./words.js";

export interface SigmaSelf {
  readonly key: SigningKey;
  readonly id: Uint8Array;
  readonly tenant: string;
  readonly suites: readonly Suite[];
}

/** As the verdict says. */
export interface SigmaPeer {
  readonly id: Uint8Array;
  readonly key: Uint8Array;
}

export interface CarriedService {
  /** IP protocol: 6. */
  readonly protocol: number;
  readonly port: number;
}

export class SigmaInitiator {
  private readonly self: SigmaSelf;
  private readonly peer: SigmaPeer;
  private readonly ephemeral: Ephemeral;
  private readonly greeting: Greet;
  private shared: { readonly keys: SigmaKeys; readonly second: Uint8Array } | undefined;

  constructor(random: RandomSource, self: SigmaSelf, peer: SigmaPeer, service: CarriedService) {
    this.self = self;
    this.peer = peer;
    this.ephemeral = makeEphemeral(random);
    this.greeting = {
      kind: "greet",
      mode: "sound",
      suites: self.suites,
      tenant: self.tenant,
      initiator: self.id,
      responder: peer.id,
      ...service,
      nonce: random(32),
      ephemeral: this.ephemeral.publicKey,
    };
  }

  greet(): Greet {
    return this.greeting;
  }

  reply(reply: Reply): Checked<Prove> {
    const { greeting, self, peer } = this;
    if (this.shared !== undefined) return fail("order", "a second reply");
    if (!self.suites.includes(reply.suite))
      return fail("suite", "a cipher suite that was not offered");
    if (equalSecrets(reply.ephemeral, greeting.ephemeral))
      return fail("signature", "my own ephemeral key came back");
    const secret = agree(this.ephemeral, reply.ephemeral);
    if (secret === undefined) return fail("small-secret", "the ephemeral key gives no secret");
    const keys = deriveSigma(greeting, reply, secret);
    const key = openIdentity(keys, "responder", greeting, reply.sealed);
    if (!key.ok) return key;
    if (!equalSecrets(key.value, peer.key))
      return fail("wrong-key", "the other side has another key than the verdict says");
    const sealed = sealIdentity(keys, "initiator", greeting, self.key);
    this.shared = { keys, second: secondHash(keys.first, reply.sealed, sealed) };
    return pass({ kind: "prove", sealed });
  }

  accept(accept: Accept): Checked<Channel> {
    const { shared } = this;
    this.shared = undefined;
    if (shared === undefined) return fail("order", "accepted before it was asked");
    const { keys, second } = shared;
    const mac = keys.sealed.responder.open(second, accept.sealed);
    if (mac === undefined || !equalSecrets(mac, finishMac(keys, second)))
      return fail("signature", "the other side's confirmation is wrong");
    return pass(channel(keys, "initiator", second));
  }
}

/** Who it is, by its own proof; whether it is trusted, the Sec-EM says. */
export interface SigmaCaller extends CarriedService {
  readonly id: Uint8Array;
  readonly key: Uint8Array;
}

export class SigmaResponder {
  private readonly self: SigmaSelf;
  private readonly random: RandomSource;
  private greeted:
    { readonly greet: Greet; readonly keys: SigmaKeys; readonly sealed: Uint8Array } | undefined;
  private proved:
    { readonly keys: SigmaKeys; readonly second: Uint8Array; readonly key: Uint8Array } | undefined;
  private used = false;

  constructor(random: RandomSource, self: SigmaSelf) {
    this.random = random;
    this.self = self;
  }

  /**
   * @param allows whether the catalog lets somebody of this tenant reach it
   */
  greet(greet: Greet, allows: (service: CarriedService) => boolean): Checked<Reply> {
    const { self } = this;
    if (this.used) return fail("order", "a second greeting");
    this.used = true;
    if (greet.tenant !== self.tenant) return fail("tenant", "the greeting is of another tenant");
    if (!equalSecrets(greet.responder, self.id))
      return fail("unknown", "the greeting is for another");
    if (equalSecrets(greet.initiator, self.id)) return fail("signature", "my own ID came back");
    if (!allows(greet))
      return fail("port", `protocol ${greet.protocol} port ${greet.port} is not in the catalog`);
    const suite = self.suites.find((one) => greet.suites.includes(one));
    if (suite === undefined) return fail("suite", "no cipher suite in common");
    const ephemeral = makeEphemeral(this.random);
    const secret = agree(ephemeral, greet.ephemeral);
    if (secret === undefined) return fail("small-secret", "the ephemeral key gives no secret");
    const clear = { suite, nonce: this.random(32), ephemeral: ephemeral.publicKey };
    const keys = deriveSigma(greet, clear, secret);
    const sealed = sealIdentity(keys, "responder", greet, self.key);
    this.greeted = { greet, keys, sealed };
    return pass({ kind: "reply", ...clear, sealed });
  }

  prove(prove: Prove): Checked<SigmaCaller> {
    const { greeted } = this;
    this.greeted = undefined;
    if (greeted === undefined) return fail("order", "a proof before the greeting");
    const { greet, keys, sealed } = greeted;
    const key = openIdentity(keys, "initiator", greet, prove.sealed);
    if (!key.ok) return key;
    if (equalSecrets(key.value, this.self.key.publicKey))
      return fail("signature", "my own key came back");
    const second = secondHash(keys.first, sealed, prove.sealed);
    this.proved = { keys, second, key: key.value };
    const { protocol, port, initiator: id } = greet;
    return pass({ id, key: key.value, protocol, port });
  }

  /** @param verdictKey instance key of a trusted verdict for the caller's ID */
  accept(verdictKey: Uint8Array): Checked<{ readonly message: Accept; readonly channel: Channel }> {
    const { proved } = this;
    this.proved = undefined;
    if (proved === undefined) return fail("order", "nobody has proved anything");
    const { keys, second, key } = proved;
    if (!isPublicKey(verdictKey) || !equalSecrets(verdictKey, key))
      return fail("wrong-key", "the caller has another key than the verdict says");
    const sealed = keys.sealed.responder.seal(second, finishMac(keys, second));
    const message: Accept = { kind: "accept", sealed };
    return pass({ message, channel: channel(keys, "responder", second) });
  }
}

function channel(keys: SigmaKeys, own: "initiator" | "responder", second: Uint8Array): Channel {
  const other = own === "initiator" ? "responder" : "initiator";
  return new Channel(
    keys.suite,
    trafficSecret(keys, own, second),
    trafficSecret(keys, other, second),
  );
}
