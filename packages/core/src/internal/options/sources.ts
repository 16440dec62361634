import { loaded, type TakeApart, type ToldGiven } from "../told/loaded.ts"
import * as validate from "../validate.ts"
import { ofWait } from "./shape.ts"

/** Takes what tells a wait something out of its options, so that waits with streams of their own share a policy. */
export const split: TakeApart = (name, job, given, ownStrategy, isByKey) => {
  const { behind, push, signal } = given as ToldGiven
  if ((signal ?? push ?? behind ?? job?.push) === undefined) {
    return { options: given, strategy: given.strategy ?? ownStrategy(), expects: undefined, sources: undefined }
  }
  if (loaded.split !== undefined) return loaded.split(name, job, given, ownStrategy, isByKey)
  if (!isByKey) validate.fields(name, { signal, push, behind }, ofWait)
  throw new RangeError(`${name}: signal, push and behind need the module effect-poll/Told`)
}
