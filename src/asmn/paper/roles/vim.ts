/**
 * The VIM: hashes images, computes the chain, shares each link with the Sec-EM and, by way of the VNFM, with the
 * VNF. Renewals come at registration, periodically, and when a VNF has restarted.
 */
import { linkAt, nextLink, renewalOf, type Link } from "../chain.js";
import type { ChainHash } from "../hash.js";
import { hex, paperId, type PaperIdentity } from "../identifier.js";
import { PaperError } from "../paper-error.js";
import { message, refused, type Message } from "../wire/message.js";
import type { Directory } from "../wire/station.js";
import { SEC_EM, VIM, VNFM } from "./names.js";

interface Instance {
  readonly name: string;
  link: Link;
}

export interface Periods {
  readonly times: number;
  readonly intervalMs: number;
  /** Passed in: resolves when so much time has gone by. */
  readonly wait: (milliseconds: number) => Promise<void>;
}

export class Vim {
  private readonly directory: Directory;
  private readonly hash: ChainHash;
  private readonly instances = new Map<string, Instance>();
  /** Messages that are lost on their way to a VNF: name, and the index that it misses. */
  private readonly losses = new Set<string>();

  constructor(directory: Directory, hash: ChainHash) {
    this.directory = directory;
    this.hash = hash;
  }

  listen(): Promise<void> {
    return this.directory.listen(VIM, (received) => this.handle(received));
  }

  /** @param first Hash¹ of the image @returns the ID */
  async instantiate(name: string, identity: PaperIdentity, first: Uint8Array): Promise<string> {
    const id = paperId(identity);
    const link = linkAt(this.hash, first, 1);
    this.instances.set(id, { name, link });
    const fields = { id, name, link: hex(link.octets) };
    await this.tell(SEC_EM, message("register", fields));
    await this.tell(VNFM, message("deliver", fields));
    await this.renew(id);
    return id;
  }

  /** The renewal with this index does not reach the VNF. */
  lose(name: string, index: number): void {
    this.losses.add(`${name} ${index}`);
  }

  /** The next link, encrypted under the present one, to Sec-EM and VNF. */
  async renew(id: string): Promise<void> {
    const instance = this.instances.get(id);
    if (instance === undefined) throw new PaperError(`the VIM has no instance ${id}`);
    const next = nextLink(this.hash, instance.link);
    const { index, sealed } = renewalOf(instance.link, next);
    instance.link = next;
    const { name } = instance;
    const renewal = message("renew", { id, name, index: String(index), sealed: hex(sealed) });
    await this.directory.ask(VIM, SEC_EM, renewal);
    if (!this.losses.has(`${name} ${index}`)) await this.directory.ask(VIM, VNFM, renewal);
  }

  async renewPeriodically({ times, intervalMs, wait }: Periods): Promise<void> {
    for (let count = 0; count < times; count++) {
      await wait(intervalMs);
      for (const id of this.instances.keys()) await this.renew(id);
    }
  }

  private async handle({ kind, fields }: Message): Promise<Message> {
    if (kind !== "restarted") return refused(`the VIM does not know what ${kind} is for`);
    await this.renew(fields["id"] ?? "");
    return message("done");
  }

  private async tell(to: string, told: Message): Promise<void> {
    const answer = await this.directory.ask(VIM, to, told);
    if (answer.kind === "refused") throw new PaperError(`${to}: ${answer.fields["reason"]}`);
  }
}
