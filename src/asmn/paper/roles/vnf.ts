/** A VNF: holds its link, shows that it has it, has its partner verified, agrees on a key, sends traffic. */
import { publicValue, sharedKey } from "../agreement.js";
import { ChainHolder } from "../chain.js";
import { seal, unseal } from "../cipher.js";
import { groupProblem, toBigInt, toOctets, type Group } from "../group.js";
import { fromHex, hex } from "../identifier.js";
import { PaperError } from "../paper-error.js";
import { makeProof, proofHolds } from "../proof.js";
import { message, refused, type Message } from "../wire/message.js";
import type { Directory } from "../wire/station.js";
import { SEC_EM, VNFM } from "./names.js";

export class Vnf {
  readonly name: string;
  private readonly directory: Directory;
  private own: { readonly id: string; readonly chain: ChainHolder } | undefined;
  /** K_ij by the other's ID. */
  private readonly keys = new Map<string, Uint8Array>();
  /** What arrived and was decrypted. */
  readonly inbox: Uint8Array[] = [];

  constructor(directory: Directory, name: string) {
    this.directory = directory;
    this.name = name;
  }

  listen(): Promise<void> {
    return this.directory.listen(this.name, (received) => this.handle(received));
  }

  get id(): string {
    return this.self().id;
  }

  /** Both directions of Fig. 2. @returns the result of (a), or of (b) when (a) was well */
  async authenticate(other: Pick<Vnf, "id" | "name">): Promise<Message> {
    const first = await this.verify(other.id, "a");
    if (first.fields["state"] !== "trusted") return first;
    return this.ask(other.name, message("hello", { id: this.id }));
  }

  /** Phase 2. @throws PaperError with the refusal */
  async agree(other: Pick<Vnf, "id" | "name">): Promise<void> {
    const group = await this.groupWith(other.id);
    const value = hex(toOctets(publicValue(group, this.self().chain.link.octets)));
    const answer = await this.must(other.name, message("public", { id: this.id, value }));
    this.keep(other.id, group, answer);
  }

  /** @throws PaperError when there is no key, or it is refused */
  async send(other: Pick<Vnf, "id" | "name">, plain: Uint8Array): Promise<void> {
    const key = this.keys.get(other.id);
    if (key === undefined) throw new PaperError(`${this.name} has no key for ${other.name} yet`);
    const sealed = hex(seal(key, plain));
    await this.must(other.name, message("data", { id: this.id, sealed }));
  }

  /** Phase 3 may begin: the gateway gets its catalog. */
  async reportSecured(other: Pick<Vnf, "id" | "name">): Promise<void> {
    if (!this.keys.has(other.id))
      throw new PaperError(`${this.name} has no key for ${other.name} yet`);
    await this.must(SEC_EM, message("secured", { asker: this.id, other: other.id }));
  }

  /** After a restart a new link is asked for. */
  async restarted(): Promise<void> {
    await this.must(VNFM, message("restarted", { id: this.id, name: this.name }));
  }

  private async handle({ kind, fields }: Message): Promise<Message> {
    const { id = "", value = "" } = fields;
    const sealed = fromHex(fields["sealed"] ?? "");
    switch (kind) {
      case "deliver": {
        const chain = new ChainHolder({ index: 1, octets: fromHex(fields["link"] ?? "") });
        this.own = { id, chain };
        return message("done");
      }
      case "renew": {
        const problem = this.self().chain.take({ index: Number(fields["index"]), sealed });
        return problem === undefined ? message("done") : refused(problem);
      }
      case "prove":
        return this.prove(Number(fields["index"]), sealed);
      case "hello":
        return this.verify(id, "b");
      case "public": {
        const group = await this.groupWith(id);
        this.keep(id, group, message("public", { id, value }));
        const own = publicValue(group, this.self().chain.link.octets);
        return message("public", { id: this.id, value: hex(toOctets(own)) });
      }
      case "data":
        return this.take(id, sealed);
      default:
        return refused(`${this.name} does not know what ${kind} is for`);
    }
  }

  /** The Sec-EM shows first that it has the link; with another index there is nothing to compare. */
  private prove(index: number, sealed: Uint8Array): Message {
    const { id, chain } = this.self();
    const { link } = chain;
    if (index === link.index && !proofHolds(link, id, sealed))
      return refused(`who asks does not have link ${index}: it is not the Sec-EM`);
    const proof = hex(makeProof(link, id));
    return message("proof", { id, index: String(link.index), sealed: proof });
  }

  private take(from: string, sealed: Uint8Array): Message {
    const key = this.keys.get(from);
    if (key === undefined) return refused(`${this.name} has no key for that VNF yet`);
    const plain = unseal(key, sealed);
    if (plain === undefined) return refused("it does not decrypt");
    this.inbox.push(plain);
    return message("received", { octets: String(plain.length) });
  }

  private keep(id: string, group: Group, answer: Message): void {
    const value = toBigInt(fromHex(answer.fields["value"] ?? ""));
    const key = sharedKey(group, this.self().chain.link.octets, value);
    if (key === undefined) throw new PaperError("R of the other side is no use: 0, 1 or p - 1");
    this.keys.set(id, key);
  }

  private async groupWith(other: string): Promise<Group> {
    const answer = await this.must(SEC_EM, message("group-wanted", { asker: this.id, other }));
    const p = toBigInt(fromHex(answer.fields["p"] ?? ""));
    const group = { p, q: toBigInt(fromHex(answer.fields["q"] ?? "")) };
    const problem = groupProblem(group);
    if (problem !== undefined) throw new PaperError(problem);
    return group;
  }

  private verify(subject: string, step: "a" | "b"): Promise<Message> {
    return this.ask(SEC_EM, message("verify", { asker: this.id, subject, step }));
  }

  private self(): { readonly id: string; readonly chain: ChainHolder } {
    if (this.own === undefined) throw new PaperError(`${this.name} was not instantiated yet`);
    return this.own;
  }

  private ask(to: string, asked: Message): Promise<Message> {
    return this.directory.ask(this.name, to, asked);
  }

  private async must(to: string, asked: Message): Promise<Message> {
    const answer = await this.ask(to, asked);
    if (answer.kind !== "refused") return answer;
    throw new PaperError(`${to} refused: ${answer.fields["reason"] ?? ""}`);
  }
}
