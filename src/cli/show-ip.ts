/** evpnctl show ip ADDRESS: the MACs that have an address, in every domain. */
import type { Command } from "commander";
import { clientOf, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import { printMacs } from "./show-mac.js";

export function addShowIp(show: Command, host: CliHost): void {
  show
    .command("ip")
    .description("which MACs have an IP address, and where they are; needs the MAC FIB")
    .argument("<address>", "IPv4 or IPv6 address")
    .option("--domain <name>", "in this bridge domain only")
    .action(async (ip: string, options: { domain?: string }, command: Command) => {
      const query = { ip, domain: options.domain };
      await printMacs(clientOf(command, host), query, wantsJson(command), host);
    });
}
