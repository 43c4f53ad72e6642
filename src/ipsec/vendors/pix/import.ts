/** PIX OS text into a model: every entry of a crypto map is a policy-based tunnel. */
import type { Imported, ImportOptions } from "../importing/imported.js";
import { Notebook } from "../importing/notebook.js";
import { readCommands } from "../importing/reader.js";
import { Assembly } from "./assembly.js";
import { maskPix, PIX_GRAMMAR } from "./grammar.js";
import { modelOf } from "./model.js";

export function importPix(text: string, options: ImportOptions = {}): Imported {
  const notebook = new Notebook(maskPix);
  const readings = readCommands(text, PIX_GRAMMAR, notebook, options);
  const assembly = new Assembly(notebook);
  for (const reading of readings ?? []) {
    if (reading.kind === "statement") assembly.take(reading.statement, reading.line);
    else assembly.keep(reading.line);
  }
  const built = modelOf(assembly, notebook, options);
  return {
    gateway: readings === undefined ? undefined : built.gateway,
    model: built.model,
    kept: assembly.kept(),
    notes: notebook.notes,
    secrets: built.secrets,
  };
}
