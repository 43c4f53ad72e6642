/** Reflection: the Sec-EM's request and the answer look alike, so whoever sends it back has proved himself. */
import { message } from "../wire/message.js";
import { withTenant, type AttackSpec } from "./attack.js";

export const reflectionAttack: AttackSpec = {
  ids: "ASM-63",
  summary: "trust for whoever returns what the Sec-EM sent",
  given: "VNF2's address, and nothing else",
  soundMode: "roles, directions, identities and keys are in what is signed, and in the TLS session",
  run: (options) =>
    withTenant(options, async ({ world, first, second }) => {
      await world.directory.listen("VNF2", ({ fields }) => message("proof", fields));
      await first.authenticate(second);
      const [about] = world.results;
      return {
        succeeded: about?.vnf === "VNF2" && about.state === "trusted",
        lines: [`a mirror in the place of VNF2: Sec-EM says ${about?.state}, ${about?.reason}`],
      };
    }),
};
