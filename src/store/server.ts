/** The store's side of the messages: does what the other threads send. */
import type { StoreCall, StoreCommand, StoreReport } from "./messages.js";
import { StoreError, type Store } from "./store.js";

/** The part of a `MessagePort` that is used. */
export interface StorePort {
  postMessage(message: StoreReport): void;
  on(event: "message", listener: (command: StoreCommand) => void): unknown;
  close(): void;
}

/** Opens the store, tells how that went, and serves until told to close. Never rejects. */
export async function serveStore(port: StorePort, open: () => Promise<Store>): Promise<void> {
  const report = (message: StoreReport): void => port.postMessage(message);
  const refused = (error: unknown): { code: StoreError["code"]; message: string } =>
    error instanceof StoreError
      ? { code: error.code, message: error.message }
      : { code: "unavailable", message: String(error) };
  let store: Store;
  try {
    store = await open();
  } catch (error) {
    report({ kind: "failed", ...refused(error) });
    port.close();
    return;
  }
  const watches = new Map<number, () => void>();
  port.on("message", (command: StoreCommand) => {
    switch (command.kind) {
      case "call": {
        const { id } = command;
        perform(store, command.call).then(
          (result) => report({ kind: "done", id, result }),
          (error: unknown) => report({ kind: "refused", id, ...refused(error) }),
        );
        break;
      }
      case "watch": {
        const { id, prefix } = command;
        watches.set(
          id,
          store.watch(prefix, (changes) => report({ kind: "changes", id, changes })),
        );
        break;
      }
      case "unwatch":
        watches.get(command.id)?.();
        watches.delete(command.id);
        break;
      case "close":
        void store.close().then(() => {
          report({ kind: "closed" });
          port.close();
        });
    }
  });
  report({ kind: "open" });
}

function perform(store: Store, call: StoreCall): Promise<unknown> {
  switch (call.method) {
    case "get":
      return store.get(call.key);
    case "write":
      return store.write(call.writes, call.options);
    case "scan":
      return store.scan(call.range);
    case "append":
      return store.append(call.stream, call.values, call.options);
    case "read":
      return store.read(call.stream, call.from, call.most);
    case "trim":
      return store.trim(call.stream, call.sequence);
  }
}
