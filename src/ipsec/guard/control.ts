/** The guard as an operator has it: what it holds, and the one way to take something out. Plain data. */
export interface GuardView {
  /** Whether the rules are in the kernel. */
  readonly installed: boolean;
  /** Canonical prefixes, joined where they touch. */
  readonly prefixes: readonly string[];
  /** Guarded, and needed by no installed tunnel. */
  readonly unused: readonly string[];
  /** Packets kept from leaving, and from arriving, in clear since the rules were last written. */
  readonly leaving: number;
  readonly arriving: number;
  /** For nft: the rules with what is guarded now. */
  readonly script: string;
}

/** Rejects with `GuardError`. */
export interface GuardControl {
  status(): Promise<GuardView>;
  /**
   * @param prefixes none: all that is unused
   * @param actor for the audit
   * @returns what may leave in clear from now on
   */
  release(prefixes: readonly string[], actor: string): Promise<readonly string[]>;
}
