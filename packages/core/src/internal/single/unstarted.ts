import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Any } from "../../Job.ts"
import type { ResumeToken } from "../../ResumeToken.ts"
import { receipt } from "../machine/token.ts"
import { Reference as PollDefaults } from "../options/defaults.ts"
import * as request from "../options/request.ts"

/** The token of a wait that starts now, without starting it; `name` is the function that messages name. */
export const unstarted = (name: string, job: Any, key: unknown, options: object): Effect.Effect<ResumeToken> => {
  const wanted = request.ofAny(name, job, key, options as never)
  return Effect.gen(function* () {
    return receipt(wanted.policy(yield* PollDefaults), wanted.key, yield* Clock.currentTimeMillis)
  })
}
