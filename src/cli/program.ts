/** evpnctl put together: global options, and each verb from its own file. */
import { Command, CommanderError } from "commander";
import { VERSION } from "../util/version.js";
import { addActions } from "./act-peer.js";
import { addAsmn } from "./asmn.js";
import { addAsmnAgent } from "./asmn-agent.js";
import { addAsmnPaper } from "./asmn-paper.js";
import { addAudit } from "./audit.js";
import { addCompletion } from "./completion.js";
import { addConnectionOptions } from "./connection.js";
import { addConfigCheck } from "./config-check.js";
import { addConfigLive } from "./config-live.js";
import { addDecode } from "./decode.js";
import { addDemo } from "./demo/demo.js";
import { addExplainMac } from "./explain-mac.js";
import { addExplainPeer } from "./explain-peer.js";
import { addExplainRoute } from "./explain-route.js";
import { CliError, EXIT } from "./exit.js";
import type { CliHost } from "./host.js";
import { addInject } from "./inject.js";
import { addIpsec } from "./ipsec.js";
import { addIpsecImport } from "./ipsec-import.js";
import { addIpsecRender } from "./ipsec-render.js";
import { addLint } from "./lint.js";
import { addMaintenance } from "./maintenance.js";
import { addShowBfd } from "./show-bfd.js";
import { addShowInterest } from "./show-interest.js";
import { addShowDomains } from "./show-domains.js";
import { addShowEs } from "./show-es.js";
import { addShowIp } from "./show-ip.js";
import { addMrt } from "./mrt.js";
import { addPolicy } from "./policy.js";
import { addQuarantine } from "./quarantine.js";
import { addRadius } from "./radius.js";
import { addRecorder } from "./recorder.js";
import { addReplay } from "./replay.js";
import { addShowFeeds } from "./show-feeds.js";
import { addShowMac } from "./show-mac.js";
import { addShowPeer } from "./show-peer.js";
import { addShowPeers } from "./show-peers.js";
import { addShowRoutes } from "./show-routes.js";
import { addShowSummary } from "./show-summary.js";
import { addDiffFib, addShowTimeline } from "./show-timeline.js";
import { addWatch } from "./watch.js";
import { addWhatIf } from "./what-if.js";

export function buildProgram(host: CliHost): Command {
  const program = addConnectionOptions(new Command("evpnctl"))
    .description("look into a running evpnd and steer it; decode BGP messages and check files")
    .option("--json", "JSON instead of tables")
    .version(VERSION, "-V, --version")
    .addHelpText(
      "after",
      "\nExit codes: 0 done, 1 bad message, file or audit, 2 usage, 3 evpnd does not answer,\n" +
        "4 no such peer, route, MAC or domain, 5 evpnd refused.",
    );
  const show = program.command("show").description("peers, routes, MACs and what they are doing");
  addShowSummary(show, host);
  addShowPeers(show, host);
  addShowPeer(show, host);
  addShowRoutes(show, host);
  addShowBfd(show, host);
  addShowInterest(show, host);
  addMaintenance(program, host);
  addShowMac(show, host);
  addShowIp(show, host);
  addShowDomains(show, host);
  addShowEs(show, host);
  addShowFeeds(show, host);
  addShowTimeline(show, host);
  addDiffFib(program, host);
  const explain = program.command("explain").description("why things are as they are");
  addExplainMac(explain, host);
  addExplainRoute(explain, host);
  addExplainPeer(explain, host);
  addWhatIf(program, host);
  addWatch(program, host);
  addLint(program, host);
  addPolicy(program, host);
  addInject(program, host);
  addQuarantine(program, host);
  addRadius(program, host);
  const ipsec = program.command("ipsec").description("tunnels under the fabric");
  addIpsec(ipsec, host);
  addIpsecRender(ipsec, host);
  addIpsecImport(ipsec, host);
  const asmn = program.command("asmn").description("trust: which VNFs may peer, and why");
  addAsmn(asmn, host);
  addAsmnAgent(asmn, host);
  addAsmnPaper(asmn, host);
  addActions(program, host);
  addAudit(program, host);
  const config = program
    .command("config")
    .description("the configuration: of a file, and of a running evpnd");
  addConfigCheck(config, host);
  addConfigLive(config, program, host);
  addMrt(program, host);
  addRecorder(program, host);
  addReplay(program, host);
  addDecode(program, host);
  addDemo(program, host);
  addCompletion(program, host);
  prepare(program, host);
  return program;
}

/** Each command throws instead of exiting, writes through the host, and knows the global options. */
function prepare(command: Command, host: CliHost): void {
  command
    .exitOverride()
    .allowExcessArguments(false)
    .showSuggestionAfterError()
    .configureOutput({ writeOut: (text) => host.out(text), writeErr: (text) => host.err(text) });
  const leaf = command.commands.length === 0;
  if (leaf && !command.options.some((option) => option.long === "--json")) {
    addConnectionOptions(command.option("--json", "JSON instead of tables"), true);
  }
  for (const child of command.commands) prepare(child, host);
}

/** @returns the exit code */
export async function runProgram(words: readonly string[], host: CliHost): Promise<number> {
  try {
    await buildProgram(host).parseAsync([...words], { from: "user" });
    return host.code;
  } catch (error) {
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    }
    if (error instanceof CliError) {
      host.err(`evpnctl: ${error.message}\n`);
      return error.code;
    }
    throw error;
  }
}
