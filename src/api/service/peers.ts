/** Peers: look, and act on one. */
import type { Family, PeerView, SpeakerControl } from "../../bgp/control.js";
import { checkedText, FAMILY, familyNumber } from "./fields.js";
import { PAGE_MAX, text, unary, type FieldRules, type Operation } from "./operation.js";

interface ListInput {
  readonly limit?: number;
  readonly cursor?: string;
}
interface PeerInput {
  readonly address: string;
}
interface SoftInput extends PeerInput {
  readonly family?: string;
}
interface ActionInput extends PeerInput {
  readonly text?: string;
}

/** In a path, or as the name of a peer elsewhere. */
export const ADDRESS: FieldRules = { address: { required: true, ...text(64) } };

function softClear(direction: "in" | "out", summary: string): Operation {
  return unary({
    id: direction === "in" ? "SoftClearIn" : "SoftClearOut",
    group: "Peers",
    summary,
    role: "operator",
    http: { method: "POST", path: `/v1/peers/:address/soft-${direction}`, query: ["family"] },
    input: "SoftClearRequest",
    output: "DoneResponse",
    rules: { ...ADDRESS, family: FAMILY },
    run: async ({ control }, { address, family }: SoftInput) => {
      const number: Family | undefined = family === undefined ? undefined : familyNumber(family);
      await control.softClear(address, direction, number);
      return { done: [`soft clear ${direction} of ${address}`] };
    },
  });
}

type Act = (control: SpeakerControl, address: string, text: string) => Promise<void>;

function action(id: string, verb: string, summary: string, act: Act): Operation {
  return unary({
    id,
    group: "Peers",
    summary,
    role: "operator",
    http: { method: "POST", path: `/v1/peers/:address/${verb}` },
    input: "PeerActionRequest",
    output: "DoneResponse",
    rules: { ...ADDRESS, text: { maxLength: 128 } },
    run: async ({ control }, { address, text: told = "" }: ActionInput) => {
      await act(control, address, checkedText(told));
      return { done: [`${verb} of ${address}`] };
    },
  });
}

/** Pages are in the order of addresses as text, so that peers that come and go meanwhile do no harm. */
export function pageOfPeers(
  peers: readonly PeerView[],
  { limit, cursor }: ListInput,
): { peers: readonly PeerView[]; next?: string } {
  if (limit === undefined && cursor === undefined) return { peers };
  const sorted = peers
    .filter(({ address }) => cursor === undefined || address > cursor)
    .sort((one, other) => (one.address < other.address ? -1 : 1));
  const most = limit ?? PAGE_MAX;
  const last = sorted[most - 1];
  if (last === undefined || sorted.length === most) return { peers: sorted };
  return { peers: sorted.slice(0, most), next: last.address };
}

export const PEER_OPERATIONS: readonly Operation[] = [
  unary({
    id: "ListPeers",
    group: "Peers",
    summary: "All peers",
    role: "viewer",
    http: { method: "GET", path: "/v1/peers" },
    input: "ListPeersRequest",
    output: "ListPeersResponse",
    rules: { limit: { minimum: 1, maximum: PAGE_MAX }, cursor: text(64) },
    run: async ({ control }, input: ListInput) => pageOfPeers(await control.peers(), input),
  }),
  unary({
    id: "GetPeer",
    group: "Peers",
    summary: "One peer",
    role: "viewer",
    http: { method: "GET", path: "/v1/peers/:address" },
    input: "GetPeerRequest",
    output: "Peer",
    rules: ADDRESS,
    run: ({ control }, { address }: PeerInput) => control.peer(address),
  }),
  softClear("in", "Asks a peer for its routes again (route refresh)"),
  softClear("out", "Sends a peer its routes again"),
  action("ResetPeer", "reset", "Cease, administrative reset", (control, address, told) =>
    control.resetPeer(address, told),
  ),
  action(
    "ShutdownPeer",
    "shutdown",
    "Cease, administrative shutdown, until the peer is enabled",
    (control, address, told) => control.shutdownPeer(address, told),
  ),
  action("EnablePeer", "enable", "Lets a peer come up again", (control, address) =>
    control.enablePeer(address),
  ),
];
