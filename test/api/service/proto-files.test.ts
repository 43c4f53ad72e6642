/** The files of `proto/`, as a client takes them: each by itself, with what it imports. */
import { loadSync } from "@grpc/proto-loader";
import { expect, test } from "vitest";
import { protoFiles, protoFolder } from "../../../src/api/service/proto.js";

test.each(protoFiles())("%s imports all that it uses", (file) => {
  expect(() => loadSync(file, { includeDirs: [protoFolder()] })).not.toThrow();
});
