/** Connections of agents that have proved themselves, by identity: how the Sec-EM speaks to one first. */
import type { Notice } from "../protocol/index.js";

export interface AgentLine {
  /** "Prove yourself now." */
  prompt(sentence: string): void;
  notice(notice: Omit<Notice, "kind">): void;
  /** New certificates, by which it verifies what it is told from now on. */
  keys(certificates: readonly Uint8Array[]): void;
  /** After a notice: it is not the instance any more. */
  close(): void;
}

export class AgentLinks {
  private readonly lines = new Map<string, Set<AgentLine>>();

  add(identity: string, line: AgentLine): void {
    const known = this.lines.get(identity);
    if (known === undefined) this.lines.set(identity, new Set([line]));
    else known.add(line);
  }

  remove(identity: string, line: AgentLine): void {
    const known = this.lines.get(identity);
    if (known?.delete(line) === true && known.size === 0) this.lines.delete(identity);
  }

  has(identity: string): boolean {
    return this.lines.has(identity);
  }

  /** @returns whether somebody was there to hear it */
  prompt(identity: string, sentence: string): boolean {
    const known = this.lines.get(identity);
    for (const line of known ?? []) line.prompt(sentence);
    return known !== undefined;
  }

  keys(certificates: readonly Uint8Array[]): void {
    for (const known of this.lines.values()) for (const line of known) line.keys(certificates);
  }

  notice(identity: string, notice: Omit<Notice, "kind">, close: boolean): void {
    for (const line of [...(this.lines.get(identity) ?? [])]) {
      line.notice(notice);
      if (close) line.close();
    }
  }
}
