/**
 * ScreenOS text into a model. Two passes: the first learns the address book's names, so that the second can
 * tell where a name of several words ends that has no quotes.
 */
import type { Imported, ImportOptions } from "../importing/imported.js";
import { Notebook } from "../importing/notebook.js";
import { readCommands } from "../importing/reader.js";
import { Assembly } from "./assembly.js";
import { maskScreenos, screenosGrammar } from "./grammar.js";
import { modelOf } from "./model.js";

export function importScreenos(text: string, options: ImportOptions = {}): Imported {
  const zones = new Map<string, Set<string>>();
  const names = (zone: string) => zones.get(zone.toLowerCase()) ?? new Set<string>();
  const first = readCommands(text, screenosGrammar(names), new Notebook(maskScreenos), options);
  for (const reading of first ?? []) {
    if (reading.kind !== "statement" || reading.statement.kind !== "address") continue;
    const { zone, name } = reading.statement;
    zones.set(zone.toLowerCase(), names(zone).add(name));
  }
  const notebook = new Notebook(maskScreenos);
  const readings = readCommands(text, screenosGrammar(names), notebook, options);
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
