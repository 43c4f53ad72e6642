/** evpnctl audit: evpnd recounts its references and cross-checks its tables. */
import type { Command } from "commander";
import { EXIT } from "./exit.js";
import { clientOf, printJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import { clean } from "./text.js";
import type { AuditAnswer } from "./wire.js";

export function addAudit(program: Command, host: CliHost): void {
  program
    .command("audit")
    .description("recount references and cross-check the tables; exit code 1 on a finding")
    .action(async (_options: object, command: Command) => {
      const audit = await clientOf(command, host).get<AuditAnswer>("/v1/audit");
      if (!audit.ok) host.code = EXIT.finding;
      if (wantsJson(command)) printJson(host, audit);
      else if (audit.ok) host.out("clean\n");
      else host.out(audit.findings.map((finding) => `${clean(finding)}\n`).join(""));
    });
}
