/**
 * Key recovery: the exponent of R is a hash of an image that many have. Who has the image tries hashes and
 * indexes until one of them gives the R that was seen, and has K.
 */
import { sharedKey } from "../agreement.js";
import { linkAt, nextLink } from "../chain.js";
import { unseal } from "../cipher.js";
import { modularPower, toBigInt, type Group } from "../group.js";
import { CHAIN_HASHES, type ChainHash } from "../hash.js";
import { hashImage, type ImageSource } from "../image.js";
import { fieldOctets, overheard, type TraceRow } from "../wire/trace.js";
import { SECRET_TEXT, talk, withTenant, type AttackSpec } from "./attack.js";

/** Indexes that are tried for each hash. */
const TRIED_INDEXES = 64;

export interface RecoveredKey {
  readonly hash: ChainHash;
  readonly index: number;
  readonly key: Uint8Array;
}

/** What of phase 2 is on the wire. */
export interface Overheard {
  readonly group: Group;
  /** R of either side, in the order in which they were sent. */
  readonly values: readonly [bigint, bigint];
  readonly sealed: readonly Uint8Array[];
}

/** undefined when no agreement is among the rows. */
export function agreementOf(rows: readonly TraceRow[]): Overheard | undefined {
  const group = rows.find(({ kind }) => kind === "group");
  const [one, other] = rows.filter(({ kind }) => kind === "public");
  if (group === undefined || one === undefined || other === undefined) return undefined;
  const number = (row: TraceRow, name: string): bigint => toBigInt(fieldOctets(row, name));
  return {
    group: { p: number(group, "p"), q: number(group, "q") },
    values: [number(one, "value"), number(other, "value")],
    sealed: rows.filter(({ kind }) => kind === "data").map((row) => fieldOctets(row, "sealed")),
  };
}

/** From the image of one side and what passed on the wire, and from nothing else. */
export async function recoverKey(
  image: ImageSource,
  { group, values }: Overheard,
): Promise<RecoveredKey | undefined> {
  for (const hash of CHAIN_HASHES) {
    let link = linkAt(hash, await hashImage(image, hash), 1);
    for (; link.index <= TRIED_INDEXES; link = nextLink(hash, link)) {
      const value = modularPower(group.q, toBigInt(link.octets), group.p);
      const mine = values.indexOf(value);
      if (mine < 0) continue;
      const key = sharedKey(group, link.octets, values[mine === 0 ? 1 : 0]);
      if (key !== undefined) return { hash, index: link.index, key };
    }
  }
  return undefined;
}

export const keyAttack: AttackSpec = {
  ids: "ASM-60",
  summary: "the traffic's key from the image and what passes on the wire",
  given: "the image file, and the tenant's wire",
  soundMode: "keys come from ephemeral X25519; the image's digest is evidence and never a secret",
  run: (options) =>
    withTenant(options, async (tenant) => {
      await talk(tenant);
      const seen = agreementOf(overheard(tenant.world.directory.trace.rows));
      const found = seen && (await recoverKey(options.image, seen));
      const [sealed] = seen?.sealed ?? [];
      if (found === undefined || sealed === undefined)
        return { succeeded: false, lines: ["no link gives the R that was seen"] };
      const plain = Buffer.from(unseal(found.key, sealed) ?? "").toString();
      return {
        succeeded: plain === SECRET_TEXT,
        lines: [
          `R was made with ${found.hash}, link ${found.index} of the image`,
          `the key has ${found.key.length} octets, and the traffic reads "${plain}"`,
        ],
      };
    }),
};
