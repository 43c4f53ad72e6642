/** The VNF-G/W between the VNFs: which traffic of a pair is on the whitelist that it was given. */
import { message, refused } from "../wire/message.js";
import type { Directory } from "../wire/station.js";
import { GATEWAY } from "./names.js";

export class PaperGateway {
  private readonly directory: Directory;
  private readonly whitelist = new Set<string>();

  constructor(directory: Directory) {
    this.directory = directory;
  }

  listen(): Promise<void> {
    return this.directory.listen(GATEWAY, ({ kind, fields }) => {
      if (kind !== "catalog") return refused(`the gateway does not know what ${kind} is for`);
      const { asker, other, protocol, port } = fields;
      this.whitelist.add(`${asker}>${other} ${protocol} ${port}`);
      return message("done");
    });
  }

  /** Until a catalog comes everything passes: the paper says nothing of the time before. */
  judge(from: string, to: string, protocol: string, port: number): "passes" | "abnormal" {
    if (this.whitelist.size === 0) return "passes";
    return this.whitelist.has(`${from}>${to} ${protocol} ${port}`) ? "passes" : "abnormal";
  }
}
