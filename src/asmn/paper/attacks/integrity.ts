/** No integrity: encrypted traffic can be altered on its way, to what the attacker wants where he knows the text. */
import { hex } from "../identifier.js";
import { message } from "../wire/message.js";
import { fieldOctets, overheard } from "../wire/trace.js";
import { withTenant, type AttackSpec } from "./attack.js";

const SENT = "permit  10.0.0.1";
const WANTED = "permit  10.6.6.6";

export const integrityAttack: AttackSpec = {
  ids: "ASM-69",
  summary: "another text in encrypted traffic",
  given: "a place on the wire, and what the text begins with",
  soundMode: "AEAD only, with a key for each purpose and direction",
  run: (options) =>
    withTenant(options, async ({ world, first, second }) => {
      await first.authenticate(second);
      await first.agree(second);
      await first.send(second, Buffer.from(SENT));
      const row = overheard(world.directory.trace.rows).find(({ kind }) => kind === "data");
      const sealed = fieldOctets(row, "sealed");
      // In CBC the first block decrypts to itself exclusive-or the IV, which stands in front.
      const difference = Buffer.from(SENT).map((octet, at) => octet ^ WANTED.charCodeAt(at));
      difference.forEach((octet, at) => (sealed[at] = (sealed[at] ?? 0) ^ octet));
      const data = message("data", { id: first.id, sealed: hex(sealed) });
      await world.directory.ask("attacker", "VNF2", data);
      const got = Buffer.from(second.inbox.at(-1) ?? "").toString();
      return {
        succeeded: got === WANTED,
        lines: [`VNF1 sent "${SENT}"`, `VNF2 took "${got}" without the key being known`],
      };
    }),
};
