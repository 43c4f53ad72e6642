/** evpnctl config check FILE: offline, with the daemon's own rules. */
import type { Command } from "commander";
import { EXIT } from "./exit.js";
import { printJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";

export function addConfigCheck(config: Command, host: CliHost): void {
  config
    .command("check")
    .description("check a file, offline; exit code 1 when evpnd would refuse it")
    .argument("<file>")
    .action(async (file: string, _options: object, command: Command) => {
      // Loaded where it is needed: other verbs start twice as fast without it.
      const { formatIssue, loadConfig } = await import("../config/index.js");
      // Passwords may be readable to the daemon only, so their absence here is no error.
      const result = loadConfig({ file, lenient: true });
      const issues = result.ok ? result.warnings : result.issues;
      if (!result.ok) host.code = EXIT.finding;
      if (wantsJson(command)) {
        printJson(host, { ok: result.ok, issues });
        return;
      }
      for (const issue of issues) host.out(`${formatIssue(issue)}\n`);
      if (result.ok) host.out(`${file}: usable\n`);
    });
}
