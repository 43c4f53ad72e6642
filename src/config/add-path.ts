/** The `add-path` option of a peer that passed the schema, to settings. */
import type { AddPathOption } from "../bgp/settings.js";
import { FAMILIES } from "../fast-bgp-codec/index.js";

/** By family's name. */
export type AddPathEntry = Readonly<
  Partial<Record<string, { send?: boolean; receive?: boolean; limit?: number }>>
>;

export const ADD_PATH_DEFAULTS = { send: false, receive: false, limit: 8 } as const;
/** Path numbers of a destination fit a word. */
export const ADD_PATH_MOST = 32;

/** In the codec's order, so that equal options are equal lists. */
export function addPathOptions(entry: AddPathEntry | undefined): readonly AddPathOption[] {
  if (entry === undefined) return [];
  return FAMILIES.flatMap(({ family, name }) => {
    const given = entry[name];
    if (given === undefined) return [];
    const { send, receive, limit } = { ...ADD_PATH_DEFAULTS, ...given };
    return send || receive ? [{ family, send, receive, limit }] : [];
  });
}
