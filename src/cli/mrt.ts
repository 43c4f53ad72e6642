/** evpnctl mrt dump, mrt rotate: MRT files now instead of at their time. */
import type { Command } from "commander";
import { clientOf, printJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import type { DoneAnswer } from "./wire.js";

export function addMrt(program: Command, host: CliHost): void {
  const mrt = program.command("mrt").description("MRT files on demand");
  const verbs = [
    ["dump", "write the whole table to a file (TABLE_DUMP_V2) and say which"],
    ["rotate", "finish the file of updates under way and say which"],
  ] as const;
  for (const [verb, description] of verbs) {
    mrt
      .command(verb)
      .description(description)
      .action(async (_options, command: Command) => {
        const answer = await clientOf(command, host).post<DoneAnswer>(`/v1/mrt/${verb}`);
        if (wantsJson(command)) printJson(host, answer);
        else host.out(answer.done.map((line) => `${line}\n`).join(""));
      });
  }
}
