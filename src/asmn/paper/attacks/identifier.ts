/**
 * Identifier collisions: exclusive-or does not know which field is which, and a nonce can be chosen so that the
 * result is any identifier at all. The Sec-EM keeps what it knows by the identifier.
 */
import { hashImage } from "../image.js";
import { fromHex, idField, paperId, xorOf, type PaperIdentity } from "../identifier.js";
import { identityOf } from "../world.js";
import { verdictAboutSecond, withTenant, type AttackSpec } from "./attack.js";

/** A nonce with which the names get that identifier. */
export function chosenNonce(target: string, names: Omit<PaperIdentity, "nonce">): Uint8Array {
  const { tenant, vnf, instance } = names;
  return xorOf(fromHex(target), idField(tenant), idField(vnf), idField(instance));
}

export const identifierAttack: AttackSpec = {
  ids: "ASM-64",
  summary: "somebody else's identifier, by a chosen nonce",
  given: "an identifier, and an account as another tenant with an image of its own",
  soundMode: "SHA-256 over length-prefixed fields, and the registry takes an ID once",
  run: (options) =>
    withTenant(options, async (tenant) => {
      const { world, second } = tenant;
      const honest = identityOf("alpha");
      const swapped = { ...honest, tenant: honest.vnf, vnf: honest.tenant };
      const same = paperId(honest) === paperId(swapped);
      const names = { tenant: "attacker", vnf: "VNF9", instance: "1" };
      const nonce = chosenNonce(second.id, names);
      await world.vnf("VNF9");
      const image = { name: "the attacker's image", octets: Buffer.from("attacker's image") };
      const first = await hashImage(image, options.hash);
      const id = await world.vim.instantiate("VNF9", { ...names, nonce }, first);
      const verdict = await verdictAboutSecond(tenant);
      const [result] = world.results;
      return {
        succeeded: same && id === second.id && result?.vnf === "VNF9" && result.state === "trusted",
        lines: [
          `tenant and VNF swapped: ${same ? "the same identifier" : "another identifier"}`,
          `VNF9 of tenant "attacker" has VNF2's identifier ${id}`,
          `VNF1 has VNF2 verified: ${result?.vnf ?? "nobody"} answers and is ${result?.state}`,
          `VNF1 hears "${verdict}"`,
        ],
      };
    }),
};
