/**
 * One IKE SA's negotiation as its log lines tell it: how far it came, and what in a line is a sign of a fault.
 * The lines are those of strongSwan; a state machine without clock or I/O.
 *
 * A wrong pre-shared key shows itself in IKEv2 by a refusal; in IKEv1 the peer's next message cannot be
 * decrypted, and nobody says why: what counts is a parse failure, or silence, once keys are agreed on and
 * before phase 1 is up (RFC 2409 section 5.4).
 */
import { readMessageLine } from "../trace/message-line.js";
import type { Sign } from "./fault.js";
import { onlyGroupDiffers } from "./proposal-words.js";

/** Requests of ours repeated so often without an answer count as silence: 11 s with the daemon's defaults. */
const SILENT_AFTER = 2;

export class Negotiation {
  version: 1 | 2 = 2;
  /** Addresses of the last packet. */
  local = "";
  remote = "";
  established = false;
  /** It has had a phase-2 SA: what fails now fails when it is renewed. */
  hadChild = false;
  private answered = false;
  private keysAgreed = false;
  private authSent = false;
  private inChild = false;
  private received = "";
  private configured = "";

  /** What the line is a sign of, or undefined. */
  take(text: string): Sign | undefined {
    this.follow(text);
    return (
      this.silence(text) ??
      this.key(text) ??
      this.proposals(text) ??
      this.identity(text) ??
      this.lifetime(text) ??
      this.nat(text)
    );
  }

  private follow(text: string): void {
    const packet =
      /^(sending|received) packet: from (\S+?)\[\d+\] to (\S+?)\[\d+\]/.exec(text) ?? undefined;
    if (packet !== undefined) {
      const sent = packet[1] === "sending";
      this.local = packet[sent ? 2 : 3]!;
      this.remote = packet[sent ? 3 : 2]!;
      if (!sent) this.answered = true;
    }
    const message = readMessageLine(text);
    if (message !== undefined) {
      this.version = message.version;
      this.inChild = message.exchange === "quick mode" || message.exchange === "CREATE_CHILD_SA";
      const { payloads, direction, exchange } = message;
      if (direction === "in" && payloads.includes("KE") && exchange !== "quick mode") {
        this.keysAgreed = true;
      }
      if (direction === "out" && message.encrypted && !this.established) this.authSent = true;
    }
    if (/^IKE_SA \S+ established between/.test(text)) this.established = true;
    if (/^CHILD_SA \S+ established with SPIs/.test(text)) this.hadChild = true;
    this.received = /^received proposals?: (.*)$/.exec(text)?.[1] ?? this.received;
    this.configured = /^configured proposals?: (.*)$/.exec(text)?.[1] ?? this.configured;
  }

  private silence(text: string): Sign | undefined {
    const retransmit = /^sending retransmit (\d+) of request/.exec(text);
    const gaveUp = /^giving up after \d+ retransmits/.test(text);
    const dead = /^DPD check timed out/.test(text);
    if (retransmit === null && !gaveUp && !dead) return undefined;
    if (retransmit !== null && Number(retransmit[1]) < SILENT_AFTER) return undefined;
    if (!this.established && this.version === 1 && this.authSent && this.keysAgreed) {
      return {
        code: "wrong-key",
        certain: false,
        text: "the peer answers until the pre-shared key is needed, and is silent from then on: most likely the keys differ",
      };
    }
    const after = this.established || this.answered;
    return {
      code: "peer-unreachable",
      certain: true,
      text: after ? "the peer has stopped to answer" : "the peer does not answer at all",
    };
  }

  private key(text: string): Sign | undefined {
    if (/but MAC mismatched/.test(text)) {
      return {
        code: "wrong-key",
        certain: true,
        text: "the peer proves itself with another pre-shared key than ours",
      };
    }
    if (/^received AUTHENTICATION_FAILED (?:error notify|notify error)/.test(text)) {
      return {
        code: "wrong-key",
        certain: false,
        text: "the peer refuses our authentication: another pre-shared key, or it expects another identity",
      };
    }
    const unreadable =
      /decryption failed\?|^could not decrypt payloads|^message parsing failed|^integrity check failed/;
    if (this.version === 1 && this.keysAgreed && !this.established && unreadable.test(text)) {
      return {
        code: "wrong-key",
        certain: true,
        text: "what the peer sends under the agreed keys cannot be read: the pre-shared keys differ",
      };
    }
    if (/^no shared key found|^no (?:trusted|private) .*key found/.test(text)) {
      return {
        code: "identity",
        certain: true,
        text: `there is no key for this pair of identities (${text})`,
      };
    }
    return undefined;
  }

  private proposals(text: string): Sign | undefined {
    const wants = /didn't accept (?:DH group|key exchange method) (\S+), it requested (\S+)/.exec(
      text,
    );
    if (wants !== null && this.inChild && this.established) {
      return {
        code: "pfs",
        certain: true,
        text: "the ends want different groups for perfect forward secrecy",
        ours: wants[1],
        theirs: wants[2],
      };
    }
    const refused =
      /^received NO_PROPOSAL_CHOSEN|^no (?:acceptable|matching) proposal found|^no proposal found/;
    if (!refused.test(text)) return undefined;
    const { received, configured } = this;
    [this.received, this.configured] = ["", ""];
    const phase1 =
      received === "" ? !this.established && !this.inAuth(text) : received.startsWith("IKE:");
    const values = received === "" ? {} : ({ ours: configured, theirs: received } as const);
    if (phase1) {
      return {
        code: "phase-1-proposal",
        certain: true,
        text: "the ends have no phase-1 proposal in common",
        ...values,
      };
    }
    const byGroup = received !== "" && onlyGroupDiffers(received, configured);
    // An SA that came up without the group, and is refused with it (RFC 7296 section 1.2 and 1.3.1).
    const renewal = received === "" && this.version === 2 && this.hadChild && this.inChild;
    if (byGroup || renewal) {
      return {
        code: "pfs",
        certain: byGroup,
        text: renewal
          ? "the SA came up and may not be renewed: perfect forward secrecy differs between the ends"
          : "the ends differ in perfect forward secrecy only",
        ...values,
      };
    }
    return {
      code: "phase-2-proposal",
      certain: received !== "",
      text: "the ends have no phase-2 proposal in common",
      ...values,
    };
  }

  /** IKEv2 refuses the first child within IKE_AUTH: the SA is not said to be up yet. */
  private inAuth(text: string): boolean {
    return this.authSent || /no CHILD_SA built/.test(text);
  }

  private identity(text: string): Sign | undefined {
    if (/does not match to '|^no matching peer config found|constraint check failed/.test(text)) {
      return {
        code: "identity",
        certain: true,
        text: `an identity is not the one expected (${text})`,
      };
    }
    if (/^no IKE config found for/.test(text)) {
      return {
        code: "not-configured-here",
        certain: true,
        text: `somebody negotiates whom no tunnel here is for (${text})`,
      };
    }
    return undefined;
  }

  private lifetime(text: string): Sign | undefined {
    const match = /^received (\d+)(s lifetime| lifebytes), configured (\d+)/.exec(text);
    if (match === null) return undefined;
    const unit = match[2] === " lifebytes" ? "octets" : "s";
    return {
      code: "lifetime",
      certain: true,
      text: "the ends have different lifetimes",
      ours: `${match[3]} ${unit}`,
      theirs: `${match[1]} ${unit}`,
    };
  }

  private nat(text: string): Sign | undefined {
    if (/^local host is behind NAT/.test(text)) {
      return { code: "nat", certain: true, text: "there is a NAT between this end and the peer" };
    }
    // A peer that only feigns one, to have ESP in UDP, looks the same: its address tells.
    if (/^remote host is behind NAT/.test(text)) {
      return { code: "nat", certain: false, text: "there is a NAT in front of the peer" };
    }
    return undefined;
  }
}
