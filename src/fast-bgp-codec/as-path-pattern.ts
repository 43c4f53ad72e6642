/**
 * Patterns over the ASes of a path, always over the whole path: `65001 .* 65010`.
 *
 *   65001  that AS        64512-65534  one of a range      .  any AS
 *   ( )    a group        |  one side or the other
 *   * + ?  behind any of these: any number, at least one, at most one; {2} {1,3} {2,}: so many
 *
 * A pattern becomes a small machine of states (Thompson) that is run through the path once: time is
 * path times states, whatever the pattern says. ASes of an AS_SET count one after the other;
 * confederation segments do not count (RFC 5065).
 */
import { readU32, readU8 } from "../util/bytes.js";

/** Most states of one pattern. */
const STATES_MAX = 200;
/** A longer path fits no pattern. */
const PATH_MAX = 1024;
const AS_MAX = 4294967295;

/** States: a step reads one AS in [low, high] and goes to `next`; a fork reads none and goes to both. */
interface State {
  low: number;
  high: number;
  fork: boolean;
  next: number;
  other: number;
}

export class AsPathPatternError extends Error {}

type Node =
  | { readonly kind: "as"; readonly low: number; readonly high: number }
  | { readonly kind: "all" | "one"; readonly parts: readonly Node[] }
  | { readonly kind: "times"; readonly part: Node; readonly least: number; readonly most: number };

const ACCEPT = 0;

export class AsPathPattern {
  private readonly states: State[] = [
    { low: 1, high: 0, fork: false, next: ACCEPT, other: ACCEPT },
  ];
  private readonly start: number;
  private current: Int32Array;
  private following: Int32Array;
  private readonly seen: Int32Array;
  private stamp = 0;
  private count = 0;

  /** Throws AsPathPatternError with a sentence for a text that is no pattern. */
  constructor(text: string) {
    this.start = this.build(new Parser(text).parse(), ACCEPT);
    this.current = new Int32Array(this.states.length);
    this.following = new Int32Array(this.states.length);
    this.seen = new Int32Array(this.states.length);
  }

  /** Whether the AS_PATH value in `bytes[start, end)`, 4-octet ASes, fits. */
  matches(bytes: Uint8Array, start: number, end: number): boolean {
    let length = 0;
    this.begin();
    this.reach(this.start);
    this.swap();
    for (let at = start; at + 2 <= end;) {
      const counts = readU8(bytes, at) <= 2;
      const next = at + 2 + 4 * readU8(bytes, at + 1);
      for (let as = at + 2; counts && as < next; as += 4) {
        if (++length > PATH_MAX || !this.step(readU32(bytes, as))) return false;
      }
      at = next;
    }
    for (let i = 0; i < this.count; i++) if (this.current[i] === ACCEPT) return true;
    return false;
  }

  private reached = 0;

  private begin(): void {
    this.stamp++;
    this.reached = 0;
  }

  private swap(): void {
    const { current } = this;
    this.current = this.following;
    this.following = current;
    this.count = this.reached;
  }

  /** Whether a state is left. */
  private step(as: number): boolean {
    this.begin();
    for (let i = 0; i < this.count; i++) {
      const state = this.states[this.current[i]!]!;
      if (as >= state.low && as <= state.high) this.reach(state.next);
    }
    this.swap();
    return this.count > 0;
  }

  /** Depth is bounded by STATES_MAX: every state is entered once in a step. */
  private reach(index: number): void {
    if (this.seen[index] === this.stamp) return;
    this.seen[index] = this.stamp;
    const state = this.states[index]!;
    if (state.fork) {
      this.reach(state.next);
      this.reach(state.other);
    } else {
      this.following[this.reached++] = index;
    }
  }

  /** The entry of states that read `node` and go on to `next`. */
  private build(node: Node, next: number): number {
    switch (node.kind) {
      case "as":
        return this.add({ low: node.low, high: node.high, fork: false, next, other: next });
      case "all":
        return [...node.parts].reverse().reduce((to, part) => this.build(part, to), next);
      case "one":
        return node.parts
          .map((part) => this.build(part, next))
          .reduceRight((other, entry) => this.fork(entry, other));
      case "times": {
        let entry = next;
        if (node.most === Infinity) {
          entry = this.fork(next, next);
          this.states[entry]!.next = this.build(node.part, entry);
        } else {
          for (let i = node.least; i < node.most; i++) {
            entry = this.fork(this.build(node.part, entry), next);
          }
        }
        for (let i = 0; i < node.least; i++) entry = this.build(node.part, entry);
        return entry;
      }
    }
  }

  private fork(next: number, other: number): number {
    return this.add({ low: 1, high: 0, fork: true, next, other });
  }

  private add(state: State): number {
    if (this.states.length >= STATES_MAX) {
      throw new AsPathPatternError("it is too large: fewer words, or smaller numbers in braces");
    }
    this.states.push(state);
    return this.states.length - 1;
  }
}

const TOKEN = /\s*(\d+(?:-\d+)?|[.()|*+?]|\{\d+(?:,\d*)?\})/y;

class Parser {
  private readonly tokens: string[] = [];
  private at = 0;
  private depth = 0;

  constructor(text: string) {
    TOKEN.lastIndex = 0;
    let end = 0;
    for (let match = TOKEN.exec(text); match !== null; match = TOKEN.exec(text)) {
      this.tokens.push(match[1]!);
      end = TOKEN.lastIndex;
      if (this.tokens.length > STATES_MAX * 2) throw new AsPathPatternError("it is too long");
    }
    const rest = text.slice(end).trim();
    if (rest !== "") {
      throw new AsPathPatternError(`"${rest.slice(0, 20)}" is no AS, range or sign of a pattern`);
    }
  }

  parse(): Node {
    const node = this.choice();
    if (this.at < this.tokens.length) throw new AsPathPatternError('a ")" has no "("');
    return node;
  }

  private choice(): Node {
    if (++this.depth > 50) throw new AsPathPatternError("its groups are nested too deep");
    const parts = [this.sequence()];
    while (this.tokens[this.at] === "|") {
      this.at++;
      parts.push(this.sequence());
    }
    this.depth--;
    return parts.length === 1 ? parts[0]! : { kind: "one", parts };
  }

  private sequence(): Node {
    const parts: Node[] = [];
    for (;;) {
      const token = this.tokens[this.at];
      if (token === undefined || token === "|" || token === ")") return { kind: "all", parts };
      parts.push(this.repeated());
    }
  }

  private repeated(): Node {
    let part = this.single();
    for (;;) {
      const token = this.tokens[this.at] ?? "";
      const counts = /^\{(\d+)(,(\d*))?\}$/.exec(token);
      let least = 0;
      let most = Infinity;
      if (token === "+") least = 1;
      else if (token === "?") most = 1;
      else if (counts !== null) {
        least = Number(counts[1]);
        most = counts[2] === undefined ? least : counts[3] === "" ? Infinity : Number(counts[3]);
        if (most < least || most === 0 || least > 255 || (most > 255 && most !== Infinity)) {
          throw new AsPathPatternError(`${token} is no usable number of times`);
        }
      } else if (token !== "*") return part;
      this.at++;
      part = { kind: "times", part, least, most };
    }
  }

  private single(): Node {
    const token = this.tokens[this.at++]!;
    if (token === ".") return { kind: "as", low: 0, high: AS_MAX };
    if (token === "(") {
      const inner = this.choice();
      if (this.tokens[this.at++] !== ")") throw new AsPathPatternError('a "(" has no ")"');
      // What reads nothing and has no state could be repeated without end.
      if (inner.kind === "all" && inner.parts.length === 0) {
        throw new AsPathPatternError("a group is empty");
      }
      return inner;
    }
    if (!/^\d/.test(token)) {
      throw new AsPathPatternError(`"${token}" stands behind nothing that it could repeat`);
    }
    const [low = 0, high = low] = token.split("-").map(Number);
    if (low > high || high > AS_MAX) throw new AsPathPatternError(`${token} is no range of ASes`);
    return { kind: "as", low, high };
  }
}
