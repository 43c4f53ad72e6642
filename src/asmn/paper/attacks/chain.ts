/** The chain runs forward: who had one link once has every later one, whatever renewals say. */
import { linkAt, nextLink, type Link } from "../chain.js";
import { hex } from "../identifier.js";
import { hashImage } from "../image.js";
import { makeProof } from "../proof.js";
import { message } from "../wire/message.js";
import { withTenant, type AttackSpec } from "./attack.js";

export const chainAttack: AttackSpec = {
  ids: "ASM-61",
  summary: "trust after every renewal, from one link of long ago",
  given: "link 2, once, and VNF2's address",
  soundMode: "each step mixes a fresh X25519 secret: a state tells nothing of the next one",
  run: (options) =>
    withTenant(options, async ({ world, first, second }) => {
      const stolen = linkAt(options.hash, await hashImage(options.image, options.hash), 2);
      const id = second.id;
      let held: Link = stolen;
      await world.directory.listen("VNF2", ({ fields }) => {
        while (held.index < Number(fields["index"])) held = nextLink(options.hash, held);
        const sealed = hex(makeProof(held, id));
        return message("proof", { id, index: String(held.index), sealed });
      });
      const wait = (): Promise<void> => Promise.resolve();
      await world.vim.renewPeriodically({ times: 20, intervalMs: 0, wait });
      await first.authenticate(second);
      const [about] = world.results;
      return {
        succeeded: about?.state === "trusted" && about.index > stolen.index,
        lines: [
          `20 renewals later the Sec-EM has link ${about?.index}`,
          `the thief computed it from link 2: Sec-EM says ${about?.state}`,
        ],
      };
    }),
};
