/** evpnctl show ip ADDRESS: the MACs that have an address, in every domain; or had it at a time. */
import type { Command } from "commander";
import { clientOf, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import { printMacAt } from "./mac-at.js";
import { printMacs } from "./show-mac.js";
import { timeOption } from "./time-option.js";

interface IpOptions {
  readonly domain?: string;
  readonly at?: string;
}

export function addShowIp(show: Command, host: CliHost): void {
  show
    .command("ip")
    .description("which MACs have an IP address, and where they are; needs the MAC FIB")
    .argument("<address>", "IPv4 or IPv6 address")
    .option("--domain <name>", "in this bridge domain only")
    .option("--at <time>", "whose it was, and where: 14:03:07.2, a date, or -5m", timeOption(host))
    .action(async (ip: string, { domain, at: time }: IpOptions, command: Command) => {
      const [client, json] = [clientOf(command, host), wantsJson(command)];
      if (time === undefined) await printMacs(client, { ip, domain }, json, host);
      else await printMacAt(client, { ip, domain, time }, json, host);
    });
}
