/**
 * Interfaces of the gateway that are ports of a bridge: what the bridge passes from port to port is not routed, and
 * no rule of ours sees it. Linux calls such an interface a slave of its bridge.
 */
import type { Ip } from "./nft.js";

/** A sentence that says what to do; undefined: none of these is one, or nobody can say. */
export async function bridgeTrouble(
  ip: Ip,
  interfaces: readonly { readonly name: string }[],
): Promise<string | undefined> {
  const text = await ip(["-j", "link", "show", "type", "bridge_slave"]).catch(() => "");
  const bridges = bridgesOf(text);
  const ports = interfaces.flatMap(({ name }) => {
    const bridge = bridges.get(name);
    return bridge === undefined ? [] : [`${name} is a port of the bridge ${bridge}`];
  });
  if (ports.length === 0) return undefined;
  return `${ports.join(", ")}: what is bridged is not policed; take it out of the bridge, and route`;
}

/** Interface -> its bridge. iproute2 writes an empty object for each interface that it leaves out. */
function bridgesOf(text: string): Map<string, string> {
  const links = text.trim() === "" ? [] : (JSON.parse(text) as readonly Link[]);
  return new Map(
    links.flatMap(({ ifname, master }): [string, string][] =>
      ifname === undefined || master === undefined ? [] : [[ifname, master]],
    ),
  );
}

interface Link {
  readonly ifname?: string;
  readonly master?: string;
}
