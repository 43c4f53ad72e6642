/** Between the timeline's thread and the one that has the FIB. */
import type { FibQueryError } from "../control.js";
import type { EventShare } from "../event-ring.js";
import type { FibHandles } from "../fib-reader.js";
import type { TimelineSettings } from "./settings.js";
import type {
  TimelineAtQuery,
  TimelineDiffQuery,
  TimelineQuery,
  TimelineRestlessQuery,
  TimelineStatus,
} from "./views.js";

export type TimelineQuestion =
  | { readonly about: "status" }
  | { readonly about: "events"; readonly query: TimelineQuery }
  | { readonly about: "at"; readonly query: TimelineAtQuery }
  | { readonly about: "diff"; readonly query: TimelineDiffQuery }
  | { readonly about: "restless"; readonly query: TimelineRestlessQuery };

export type TimelineCommand =
  | {
      readonly kind: "attach";
      readonly share: EventShare | undefined;
      /** Of the same FIB: what it holds, for when events are lost. */
      readonly fib: FibHandles | undefined;
      readonly time: number;
      readonly resumed: boolean;
    }
  | { readonly kind: "bounds"; readonly settings: TimelineSettings }
  | { readonly kind: "ask"; readonly id: number; readonly question: TimelineQuestion }
  | { readonly kind: "close" };

export type TimelineReport =
  | { readonly kind: "status"; readonly status: TimelineStatus }
  | { readonly kind: "answer"; readonly id: number; readonly answer: unknown }
  | {
      readonly kind: "refused";
      readonly id: number;
      readonly code: FibQueryError["code"];
      readonly message: string;
    }
  | { readonly kind: "closed" };
