/**
 * The enrolment token that lies in the agent's file, and who did not want it. One Sec-EM has issued it: that
 * another one does not know it says nothing, and only when none does is it good for nothing. A token that came
 * since is another one, whatever became of the one before.
 */
import type { Log } from "../../util/log.js";
import { parseToken } from "../protocol/token.js";
import type { Token } from "../protocol/token.js";

export interface TokenDeskParts {
  /** The token's text, read anew; undefined: there is none. */
  readonly read: () => string | undefined;
  /** How many Sec-EMs there are. */
  readonly secEms: number;
  readonly log: Log;
}

export class TokenDesk {
  private readonly parts: TokenDeskParts;
  /** Of no use to anybody. */
  private refused: string | undefined;
  private tried: string | undefined;
  /** Sec-EMs, by their place in the settings, that did not issue the one that was tried. */
  private readonly strangers = new Set<number>();

  constructor(parts: TokenDeskParts) {
    this.parts = parts;
  }

  /** @param at the Sec-EM that it would be shown to */
  usable(at: number): Token | undefined {
    const text = this.text();
    if (text === "" || text === this.refused) return undefined;
    if (text !== this.tried) this.strangers.clear();
    this.tried = text;
    const token = parseToken(text);
    if (token !== undefined) return this.strangers.has(at) ? undefined : token;
    this.refused = text;
    this.parts.log.warn({}, "the token file holds no token: ask the VIM for another one");
    return undefined;
  }

  /** Whether a token lies there that no attempt has been made with. */
  get isNew(): boolean {
    const text = this.text();
    return text !== "" && text !== this.refused && text !== this.tried;
  }

  /** Whoever issued it does not take it. */
  refuse(): void {
    this.refused = this.text();
  }

  /** This one did not issue it. */
  unknownAt(at: number): void {
    this.strangers.add(at);
    if (this.strangers.size >= this.parts.secEms) this.refuse();
  }

  private text(): string {
    return this.parts.read()?.trim() ?? "";
  }
}
