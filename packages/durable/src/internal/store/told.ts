import type { Change, Finish, Finished } from "./model.ts"

/** The change to publish for a batch of ends; `undefined` if none of them was stored. */
export const toldOf = (batch: ReadonlyArray<Finish>, finished: ReadonlyArray<Finished>): Change | undefined => {
  const settled = batch.flatMap(({ claim, id, round }, at) =>
    finished[at] === "ended" && claim === undefined ? [{ id, round }] : []
  )
  if (settled.length > 0) return { settled }
  return finished.includes("ended") ? "ended" : undefined
}
