/**
 * The Sec-EM: keeps the identifiers and links of all VNFs, verifies each for the other (Fig. 2), hands out p
 * and q to a pair that both verified, and the catalog to the gateway once the pair has its key. A step is
 * refused until the one before has succeeded.
 */
import { ChainHolder } from "../chain.js";
import type { Group } from "../group.js";
import { fromHex, hex } from "../identifier.js";
import { makeProof, proofHolds } from "../proof.js";
import type { PaperResult } from "../report.js";
import { toOctets } from "../group.js";
import { message, refused, type Message } from "../wire/message.js";
import type { Directory } from "../wire/station.js";
import { GATEWAY, SEC_EM } from "./names.js";

export interface CatalogEntry {
  readonly protocol: string;
  readonly port: number;
}

export interface SecEmParts {
  readonly directory: Directory;
  readonly group: Group;
  readonly catalog: CatalogEntry;
  /** Wall-clock milliseconds. */
  now(): number;
  onResult(result: PaperResult): void;
}

interface Entry {
  readonly name: string;
  readonly chain: ChainHolder;
}

export class SecEm {
  private readonly parts: SecEmParts;
  /** By ID, and by nothing else: that is what the paper keeps. */
  private readonly entries = new Map<string, Entry>();
  /** Directions that succeeded, "asker>subject". */
  private readonly verified = new Set<string>();

  constructor(parts: SecEmParts) {
    this.parts = parts;
  }

  listen(): Promise<void> {
    return this.parts.directory.listen(SEC_EM, (received) => this.handle(received));
  }

  private handle({ kind, fields }: Message): Message | Promise<Message> {
    const { id = "", asker = "", subject = "", other = "" } = fields;
    switch (kind) {
      case "register":
        return this.register(id, fields["name"] ?? "", fromHex(fields["link"] ?? ""));
      case "renew":
        return this.renew(id, Number(fields["index"]), fromHex(fields["sealed"] ?? ""));
      case "verify":
        return this.verify(asker, subject, fields["step"] === "b");
      case "group-wanted":
        return this.groupFor(asker, other);
      case "secured":
        return this.secured(asker, other);
      default:
        return refused(`the Sec-EM does not know what ${kind} is for`);
    }
  }

  /** A second registration with an ID replaces the first: nothing tells them apart. */
  private register(id: string, name: string, link: Uint8Array): Message {
    this.entries.set(id, { name, chain: new ChainHolder({ index: 1, octets: link }) });
    return message("done");
  }

  private renew(id: string, index: number, sealed: Uint8Array): Message {
    const entry = this.entries.get(id);
    if (entry === undefined) return refused("no such ID is registered");
    const problem = entry.chain.take({ index, sealed });
    return problem === undefined ? message("done") : refused(problem);
  }

  private async verify(asker: string, subject: string, second: boolean): Promise<Message> {
    if (!this.entries.has(asker)) return refused("who asks is not registered");
    if (second && !this.verified.has(`${subject}>${asker}`))
      return refused("(b) comes after (a) has succeeded");
    const result = await this.examine(subject);
    if (result.state === "trusted") this.verified.add(`${asker}>${subject}`);
    else this.verified.delete(`${asker}>${subject}`);
    this.parts.onResult(result);
    const { state, reason, index, time } = result;
    return message("result", {
      ...{ subject, state, reason },
      ...{ index: String(index), time: String(time) },
    });
  }

  private async examine(id: string): Promise<PaperResult> {
    const entry = this.entries.get(id);
    const time = this.parts.now();
    if (entry === undefined)
      return { vnf: id, state: "unknown", reason: "no such ID is registered", index: 0, time };
    const { name, chain } = entry;
    const result = (state: PaperResult["state"], reason: string): PaperResult => ({
      vnf: name,
      ...{ state, reason, time },
      index: chain.link.index,
    });
    if (chain.outOfStep !== undefined) return result("stale", `Sec-EM: ${chain.outOfStep}`);
    const { link } = chain;
    const sealed = hex(makeProof(link, id));
    const prove = message("prove", { id, index: String(link.index), sealed });
    let answer: Message;
    try {
      answer = await this.parts.directory.ask(SEC_EM, name, prove);
    } catch (error) {
      return result("unknown", error instanceof Error ? error.message : String(error));
    }
    if (answer.kind !== "proof")
      return result("untrusted", answer.fields["reason"] ?? "no proof came");
    const index = Number(answer.fields["index"]);
    if (index !== link.index)
      return result(
        "stale",
        `it has link ${index}, the Sec-EM link ${link.index}: a renewal was missed; register it again`,
      );
    return proofHolds(link, id, fromHex(answer.fields["sealed"] ?? ""))
      ? result("trusted", `it has link ${index}`)
      : result("untrusted", `it does not have link ${index} of the image`);
  }

  private groupFor(asker: string, other: string): Message {
    if (!this.bothVerified(asker, other))
      return refused("p and q are for VNFs that have verified each other");
    const { p, q } = this.parts.group;
    return message("group", { p: hex(toOctets(p)), q: hex(toOctets(q)) });
  }

  private async secured(asker: string, other: string): Promise<Message> {
    if (!this.bothVerified(asker, other))
      return refused("the catalog is for VNFs that have verified each other");
    const { protocol, port } = this.parts.catalog;
    const catalog = message("catalog", { asker, other, protocol, port: String(port) });
    return this.parts.directory.ask(SEC_EM, GATEWAY, catalog);
  }

  private bothVerified(one: string, other: string): boolean {
    return this.verified.has(`${one}>${other}`) && this.verified.has(`${other}>${one}`);
  }
}
