/** evpnctl show domains */
import type { Command } from "commander";
import type { DomainAnswer } from "./fib-wire.js";
import { clientOf, safeJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import { formatTable } from "./text.js";

export function addShowDomains(show: Command, host: CliHost): void {
  show
    .command("domains")
    .description("bridge domains with their MACs and IP addresses; needs the MAC FIB")
    .action(async (_options, command: Command) => {
      const json = wantsJson(command);
      const rows: DomainAnswer[] = [];
      for await (const line of clientOf(command, host).lines("/v1/fib/domains", {})) {
        if (json) host.out(`${safeJson(line)}\n`);
        else rows.push(JSON.parse(line) as DomainAnswer);
      }
      if (!json) host.out(rows.length === 0 ? NONE : formatDomains(rows, host.columns));
    });
}

const NONE = "No bridge domain yet: no PE has announced an EVPN route with a route target.\n";

export function formatDomains(rows: readonly DomainAnswer[], width: number): string {
  return formatTable(
    rows,
    [
      { title: "Domain", value: (row) => row.name },
      { title: "VNI", value: (row) => String(row.vni ?? ""), right: true },
      { title: "MACs", value: (row) => String(row.macs), right: true },
      { title: "IPs", value: (row) => String(row.ips), right: true },
      { title: "Type 3", value: (row) => String(row.inclusives), right: true },
      { title: "Service", value: (row) => row.service },
      { title: "Route targets", value: (row) => row.routeTargets.join(" ") },
    ],
    width,
  );
}
