/**
 * How far the chain has come, in one file that is replaced whole and fsync'd. It also says which token the
 * chain began with: a token that is still there after an enrolment whose last words were lost does not begin
 * a new one, and another token does. While an enrolment is under way the former chain stays, so that a token
 * that is refused costs nothing.
 */
import { fromHex, toHex } from "../../util/bytes.js";
import { decodeAgentState, encodeAgentState, NEW_AGENT } from "../protocol/agent-state.js";
import type { AgentState } from "../protocol/agent-state.js";
import type { Floors } from "../protocol/key-certificate.js";
import { HomeError } from "./home.js";
import type { AgentHome } from "./home.js";

const FILE = "chain.json";

interface Kept {
  readonly state: AgentState;
  /** Hex of the token's id; undefined before an enrolment. */
  readonly token: string | undefined;
  readonly floors: Floors;
}

export class ChainStore {
  private readonly home: AgentHome;
  private kept: Kept;

  /** Throws `HomeError` for a file that is none of ours: to begin anew could look like a clone. */
  constructor(home: AgentHome) {
    this.home = home;
    const text = home.read(FILE);
    this.kept =
      text === undefined ? { state: NEW_AGENT, token: undefined, floors: {} } : parse(text, home);
  }

  get state(): AgentState {
    return this.kept.state;
  }

  /** Of the key ring, from the life before. */
  get floors(): Floors {
    return this.kept.floors;
  }

  /** Whether this token begins a chain, or is what the present one began with. */
  isNew(tokenId: Uint8Array): boolean {
    return this.kept.state.chain === undefined || this.kept.token !== toHex(tokenId);
  }

  /** What an enrolment starts from: nothing but the counter, which never goes back, and the epoch. */
  get beginning(): AgentState {
    const { attempt, epoch } = this.kept.state;
    return { attempt, epoch, id: undefined, chain: undefined };
  }

  /**
   * On the disk when it returns. Throws `HomeError`.
   * @param token id of the token that enrols, undefined in a renewal
   */
  store(state: AgentState, token: Uint8Array | undefined, floors: Floors): void {
    const former = this.kept;
    const began = state.chain !== undefined && token !== undefined;
    const next: Kept = {
      state: state.chain === undefined ? { ...former.state, attempt: state.attempt } : state,
      token: began ? toHex(token) : former.token,
      floors,
    };
    const text = { state: toHex(encodeAgentState(next.state)), token: next.token, floors };
    this.home.write(FILE, `${JSON.stringify(text)}\n`);
    this.kept = next;
  }
}

function parse(text: string, home: AgentHome): Kept {
  try {
    const { state, token, floors } = JSON.parse(text) as Record<string, unknown>;
    const octets = typeof state === "string" ? fromHex(state) : undefined;
    const decoded = octets && decodeAgentState(octets);
    if (decoded?.ok === true && (token === undefined || typeof token === "string")) {
      return { state: decoded.value, token, floors: numbersOf(floors) };
    }
  } catch {
    // Said below, without quoting what may be half a secret.
  }
  throw new HomeError(
    `${home.path(FILE)} cannot be understood: restore it, or remove it and enrol anew`,
  );
}

function numbersOf(value: unknown): Floors {
  const entries = Object.entries(typeof value === "object" && value !== null ? value : {});
  return Object.fromEntries(
    entries.filter((entry): entry is [string, number] => Number.isSafeInteger(entry[1])),
  );
}
