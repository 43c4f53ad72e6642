/** The `host-routes` of a domain, from the file to the FIB's settings. */
import type { HostRouteSettings } from "../fib/settings.js";
import type { ConfigPath, IssueList } from "./issue.js";

export interface HostRoutesObject {
  announce?: HostRouteSettings["announce"];
  "next-hop"?: string;
  rd?: string;
  "route-targets"?: string[];
  "l3-vni"?: number;
  "router-mac"?: string;
}

export type HostRoutesEntry = "unicast" | HostRoutesObject;

export function hostRouteSettings(
  entry: HostRoutesEntry | undefined,
  service: string | undefined,
  path: ConfigPath,
  issues: IssueList,
): HostRouteSettings | undefined {
  if (entry === undefined) return undefined;
  const given: HostRoutesObject = entry === "unicast" ? { announce: "unicast" } : entry;
  if (service === "pbb") {
    issues.error(path, "backbone MACs have no addresses", "leave host-routes out");
  }
  if (given.announce === undefined) {
    issues.error(path, "nothing says in which form", "add announce: unicast, or type-5");
  }
  if (given["router-mac"] !== undefined && given["next-hop"] === undefined) {
    issues.error(
      [...path, "router-mac"],
      "every PE has a router's MAC of its own",
      "give the next-hop that this one is behind, too, or leave it out",
    );
  }
  checkVrf(given, path, issues);
  return {
    announce: given.announce ?? "unicast",
    nextHop: given["next-hop"],
    rd: given.rd ?? "",
    routeTargets: given["route-targets"] ?? [],
    l3Vni: given["l3-vni"] ?? 0,
    routerMac: given["router-mac"],
  };
}

function checkVrf(given: HostRoutesObject, path: ConfigPath, issues: IssueList): void {
  const isType5 = given.announce === "type-5";
  for (const name of ["rd", "route-targets", "l3-vni"] as const) {
    if (isType5 && given[name] === undefined) {
      issues.error(path, `"${name}" is missing: type-5 routes belong to a VRF`, `add ${name}`);
    }
  }
  for (const name of ["rd", "l3-vni", "router-mac"] as const) {
    if (isType5 || given[name] === undefined) continue;
    issues.error([...path, name], "unicast routes have no such thing", "leave it out");
  }
}
