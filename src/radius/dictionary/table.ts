/** The form of the built-in dictionaries: attributes by value type, with the few that are special apart. */
import type { Dictionary, Hiding, ValueType } from "./dictionary.js";

export interface AttributeTable {
  /** Names by value type (RFC 8044), by number. */
  readonly types: Partial<Readonly<Record<ValueType, Readonly<Record<number, string>>>>>;
  /** Numbers whose values start with a tag octet (RFC 2868 section 3). */
  readonly tagged?: readonly number[];
  readonly hidden?: Readonly<Record<number, Hiding>>;
}

/** @param vendor 0 for the standard space */
export function addTable(dictionary: Dictionary, vendor: number, table: AttributeTable): void {
  const { types, tagged = [], hidden = {} } = table;
  for (const [valueType, names] of Object.entries(types)) {
    for (const [number, name] of Object.entries(names)) {
      const type = Number(number);
      const hiding = hidden[type];
      dictionary.add({
        name,
        vendor,
        type,
        valueType: valueType as ValueType,
        ...(hiding !== undefined && { hiding }),
        ...(tagged.includes(type) && { tagged: true }),
      });
    }
  }
}
