/**
 * Replay: nothing in the exchange is fresh, so what was recorded is as good as what is new, for as long as the
 * link stays. A fake in the place of VNF2 answers with recorded messages; recorded traffic counts again.
 */
import { message, type Message } from "../wire/message.js";
import { overheard, type TraceRow } from "../wire/trace.js";
import { talk, withTenant, type AttackSpec } from "./attack.js";

/** Answers each kind with what the genuine VNF2 answered to it. */
export function replayingFake(rows: readonly TraceRow[]): (asked: Message) => Message {
  const answer = (kind: TraceRow["kind"]): Message => {
    const row = rows.findLast((each) => each.from === "VNF2" && each.kind === kind);
    return message(kind, row?.fields);
  };
  return ({ kind }) => answer(kind === "prove" ? "proof" : "result");
}

export const replayAttack: AttackSpec = {
  ids: "ASM-62",
  summary: "trust, and traffic accepted twice, by recorded messages",
  given: "a recording of one exchange, and VNF2's address",
  soundMode: "nonces of both sides, a persisted counter and a window are inside what is signed",
  run: (options) =>
    withTenant(options, async (tenant) => {
      const { world, first, second } = tenant;
      await talk(tenant);
      const recorded = overheard(world.directory.trace.rows);
      const data = recorded.find(({ kind }) => kind === "data");
      const again = await world.directory.ask("attacker", "VNF2", message("data", data?.fields));
      const twice = again.kind === "received" && second.inbox.length === 2;
      const before = world.results.length;
      await world.directory.listen("VNF2", replayingFake(recorded));
      const { fields } = await first.authenticate(second);
      const about = world.results[before];
      return {
        succeeded: twice && about?.vnf === "VNF2" && about.state === "trusted",
        lines: [
          `recorded traffic sent again: ${twice ? "accepted a second time" : "refused"}`,
          `a fake that plays VNF2's recorded proof: Sec-EM says ${about?.state}, ${about?.reason}`,
          `VNF1 goes on with it, told "${fields["state"]}" by a recorded result`,
        ],
      };
    }),
};
