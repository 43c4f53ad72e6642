/**
 * Enrolment tokens (ASM-74): a seed that lets one key enrol one instance with one image, once. The agent
 * signs with it and never sends it; here only its public half is kept. It is spent by the chain of the
 * identity that it gives (`protocol/`): nothing need be written of it here.
 */
import type { Clock } from "../../util/clock.js";
import { toHex } from "../../util/bytes.js";
import { systemRandom, type RandomSource } from "../crypto/index.js";
import { makeToken } from "../protocol/index.js";
import { SecEmError } from "./control.js";
import type { IssuedToken, Scope, TokenRequest, TokenRow } from "./control.js";
import { deadlineOf } from "./deadline.js";
import { checkHex, checkInstanceName, checkSeconds, inScope } from "./names.js";
import type { RecordWrite, Records } from "./records.js";

export interface TokenRecord extends Omit<TokenRequest, "lifetimeSeconds" | "replace"> {
  readonly id: string;
  /** Ed25519 public half of the seed, hex. */
  readonly tokenKey: string;
  /** The identity that the instance gets with it (ASM-64), and the nonce that makes it. */
  readonly identity: string;
  readonly nonce: string;
  readonly issuedBy: string;
  readonly issuedAt: number;
  readonly expires: number;
}

interface Token {
  record: TokenRecord;
  /** Monotonic. */
  deadline: number;
}

/** The identity a token gives, drawn by the registry. */
export type TokenIdentity = Pick<TokenRecord, "identity" | "nonce">;

const MOST_LIFETIME = 86_400;
const MOST_TOKENS = 10_000;
/** A token that is used or over is shown for so long. */
const KEPT_MS = 86_400_000;
/** Removed in one write. */
const MOST_FORGOTTEN = 500;

export class Tokens {
  private readonly records: Records;
  private readonly clock: Clock;
  private readonly random: RandomSource;
  private readonly tokens = new Map<string, Token>();
  /** Withdrawn, and still on the disk: to be withdrawn again. */
  private readonly unerased = new Set<string>();

  constructor(records: Records, clock: Clock, random: RandomSource = systemRandom) {
    this.records = records;
    this.clock = clock;
    this.random = random;
  }

  async load(): Promise<void> {
    for (const { value } of await this.records.all("token/")) {
      const record = value as unknown as TokenRecord;
      const granted = record.expires - record.issuedAt;
      const deadline = deadlineOf(this.clock, record.expires, granted);
      this.tokens.set(record.id, { record, deadline });
    }
  }

  /** @param beside written in the same stroke */
  async issue(
    request: TokenRequest,
    by: string,
    usualSeconds: number,
    identity: TokenIdentity,
    beside: readonly RecordWrite[],
  ): Promise<IssuedToken> {
    checkInstanceName(request);
    checkHex("digest", request.image);
    if (request.publicKey !== undefined) checkHex("public key", request.publicKey);
    const seconds = request.lifetimeSeconds ?? usualSeconds;
    checkSeconds("a token's life", seconds, 1, MOST_LIFETIME);
    await this.forget();
    if (this.tokens.size >= MOST_TOKENS) {
      throw new SecEmError("conflict", `there are ${MOST_TOKENS} tokens; withdraw some first`);
    }
    const made = makeToken(this.random);
    const wall = this.clock.wall();
    const { tenant, vnf, instance, image, publicKey, bgp } = request;
    const record: TokenRecord = {
      ...{ id: toHex(made.id), tenant, vnf, instance, image, publicKey, bgp, ...identity },
      tokenKey: toHex(made.publicKey),
      issuedBy: by,
      issuedAt: wall,
      expires: wall + seconds * 1000,
    };
    await this.records.write(...beside, writeOf(record));
    const deadline = deadlineOf(this.clock, record.expires, seconds * 1000);
    this.tokens.set(record.id, { record, deadline });
    return { id: record.id, token: made.text, expires: record.expires };
  }

  /** @param id hex */
  find(id: string): TokenRecord | undefined {
    return this.tokens.get(id)?.record;
  }

  expired({ id }: TokenRecord): boolean {
    const token = this.tokens.get(id);
    return token === undefined || this.clock.now() >= token.deadline;
  }

  async withdraw(id: string): Promise<void> {
    if (!this.tokens.has(id) && !this.unerased.has(id)) {
      throw new SecEmError("not-found", `there is no token ${id.slice(0, 80)}; list them first`);
    }
    // Good for nothing from now on, whether the disk takes it or not.
    this.tokens.delete(id);
    this.unerased.add(id);
    await this.records.erase(`token/${id}`);
    this.unerased.delete(id);
  }

  /** @param used whether an identity was taken with its token */
  list(scope: Scope | undefined, used: (identity: string) => boolean): readonly TokenRow[] {
    return [...this.tokens.values()]
      .filter(({ record }) => scope === undefined || inScope(record, scope))
      .map(({ record, deadline }) => {
        const { id, tenant, vnf, instance, image, publicKey, issuedBy, expires } = record;
        const state = used(record.identity)
          ? "used"
          : this.clock.now() >= deadline
            ? "expired"
            : "open";
        return { id, tenant, vnf, instance, image, publicKey, issuedBy, expires, state };
      });
  }

  private async forget(): Promise<void> {
    const now = this.clock.now();
    const old = [...this.tokens.values()]
      .filter(({ deadline }) => now > deadline + KEPT_MS)
      .slice(0, MOST_FORGOTTEN);
    if (old.length === 0) return;
    await this.records.write(
      ...old.map(({ record }) => ({ key: `token/${record.id}`, value: undefined })),
    );
    for (const { record } of old) this.tokens.delete(record.id);
  }
}

function writeOf(record: TokenRecord): RecordWrite {
  return { key: `token/${record.id}`, value: record };
}
