/** The hashes are too weak: another image with the same CRC32, and a key without any image. */
import { sharedKey } from "../agreement.js";
import { linkAt } from "../chain.js";
import { unseal } from "../cipher.js";
import { toOctets } from "../group.js";
import { hashImage } from "../image.js";
import { hex } from "../identifier.js";
import { makeProof } from "../proof.js";
import { message } from "../wire/message.js";
import { overheard } from "../wire/trace.js";
import { SECRET_TEXT, talk, withTenant, type AttackSpec } from "./attack.js";
import { withCrc32 } from "./crc-forgery.js";
import { shortExponent } from "./discrete-log.js";
import { agreementOf } from "./key.js";

export const hashAttack: AttackSpec = {
  ids: "ASM-65",
  summary: "another image with the same CRC32, and the key by computing 65,536 steps",
  given: "the wire, and the CRC32 of the image; whatever hash is named, this attack takes CRC32",
  soundMode: "SHA-256, by chunks in a tree",
  run: ({ image, now }) =>
    withTenant({ hash: "crc32", image, now }, async (tenant) => {
      const { world, first, second } = tenant;
      await talk(tenant);
      const seen = agreementOf(overheard(world.directory.trace.rows));
      const exponent = seen && shortExponent(seen.group, seen.values[0], 32);
      const key =
        seen && exponent !== undefined
          ? sharedKey(seen.group, toOctets(exponent), seen.values[1])
          : undefined;
      const [sealed] = seen?.sealed ?? [];
      const plain = Buffer.from((key && sealed && unseal(key, sealed)) ?? "").toString();
      const genuine = Buffer.from(await hashImage(image, "crc32"));
      const forged = withCrc32(Buffer.from("an image with a back door"), genuine.readUInt32BE(0));
      const begin = await hashImage({ name: "forged image", octets: forged }, "crc32");
      const id = second.id;
      const before = world.results.length;
      await world.directory.listen("VNF2", ({ fields }) => {
        const link = linkAt("crc32", begin, Number(fields["index"] ?? "1"));
        const proof = hex(makeProof(link, id));
        return message("proof", { id, index: String(link.index), sealed: proof });
      });
      await first.authenticate(second);
      const about = world.results[before];
      return {
        succeeded: plain === SECRET_TEXT && about?.state === "trusted",
        lines: [
          `the exponent ${exponent ?? "was not found"} came from R alone; the traffic reads "${plain}"`,
          `a forged image has CRC32 ${hex(begin)} too: Sec-EM says ${about?.state}`,
        ],
      };
    }),
};
