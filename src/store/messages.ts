/** Between the store's thread and the one that uses it. */
import type { ScanRange, StoreChange, StoreErrorCode, StoreWrite, WriteOptions } from "./store.js";

/** What is asked, by the name of the method. */
export type StoreCall =
  | { readonly method: "get"; readonly key: string }
  | {
      readonly method: "write";
      readonly writes: readonly StoreWrite[];
      readonly options: WriteOptions;
    }
  | { readonly method: "scan"; readonly range: ScanRange }
  | {
      readonly method: "append";
      readonly stream: string;
      readonly values: readonly Uint8Array[];
      readonly options: WriteOptions;
    }
  | {
      readonly method: "read";
      readonly stream: string;
      readonly from: number;
      readonly most: number;
    }
  | { readonly method: "trim"; readonly stream: string; readonly sequence: number };

export type StoreCommand =
  | { readonly kind: "call"; readonly id: number; readonly call: StoreCall }
  | { readonly kind: "watch"; readonly id: number; readonly prefix: string }
  | { readonly kind: "unwatch"; readonly id: number }
  | { readonly kind: "close" };

export type StoreReport =
  | { readonly kind: "open" }
  | { readonly kind: "failed"; readonly code: StoreErrorCode; readonly message: string }
  | { readonly kind: "done"; readonly id: number; readonly result: unknown }
  | {
      readonly kind: "refused";
      readonly id: number;
      readonly code: StoreErrorCode;
      readonly message: string;
    }
  | { readonly kind: "changes"; readonly id: number; readonly changes: readonly StoreChange[] }
  | { readonly kind: "closed" };
