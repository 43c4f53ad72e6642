/**
 * Selectors that were negotiated against those that were configured (RFC 7296 section 2.9): a peer may narrow
 * what it is offered, and the daemon takes it without a word. What was configured and is not covered by any
 * SA goes nowhere, which is worth an alarm.
 */
import {
  parseTrafficSelector,
  selectorsOfSa,
  uncoveredSelectors,
  type Uncovered,
} from "../check/index.js";
import type { PlannedChild } from "./connection.js";
import { isInstalled, type IkeSa } from "./sa.js";

export type { Uncovered } from "../check/index.js";

/** Of all children of a tunnel that have an SA; what has none is down, which is another matter. */
export function uncoveredOf(children: readonly PlannedChild[], sas: readonly IkeSa[]): Uncovered[] {
  const all = sas.flatMap((sa) => sa.children).filter(isInstalled);
  return children.flatMap(({ name, selector }) => {
    const own = all.filter((sa) => sa.name === name);
    if (own.length === 0) return [];
    const negotiated = own.flatMap(({ localSelectors, remoteSelectors }) =>
      selectorsOfSa(localSelectors.map(readable), remoteSelectors.map(readable)),
    );
    // Ports are told by the names of services, which differ from machine to machine: they are not looked at.
    const ports = { localPort: 0, remotePort: 0 };
    return uncoveredSelectors([{ ...selector, ...ports }], negotiated);
  });
}

/** Without its port; without its protocol too where that has a name that we do not know. */
function readable(text: string): string {
  const portless = text.replace(/\/[^\]/]*\]$/, "]");
  return parseTrafficSelector(portless) === undefined ? text.replace(/\[.*$/, "") : portless;
}
