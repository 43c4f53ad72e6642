/** The VNFM: what the VIM has for a VNF goes through it, and what a VNF tells the VIM as well. */
import type { Directory } from "../wire/station.js";
import { refused } from "../wire/message.js";
import { VIM, VNFM } from "./names.js";

export function listenAsVnfm(directory: Directory): Promise<void> {
  return directory.listen(VNFM, (received) => {
    const { kind, fields } = received;
    if (kind === "restarted") return directory.ask(VNFM, VIM, received);
    if (kind === "deliver" || kind === "renew")
      return directory.ask(VNFM, fields["name"] ?? "", received);
    return refused(`the VNFM does not know what ${kind} is for`);
  });
}
