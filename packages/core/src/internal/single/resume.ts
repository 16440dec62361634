import * as Effect from "effect/Effect"
import type { Any } from "../../Job.ts"
import { ResumeTokenError } from "../../PollError.ts"
import type { ResumeToken } from "../../ResumeToken.ts"
import * as request from "../options/request.ts"
import * as validate from "../validate.ts"
import * as host from "./host.ts"

/** Continues a wait from its token; `name` is the function that messages name. Throws a RangeError. */
export const resume = (
  name: string,
  job: Any,
  token: ResumeToken,
  options: object | undefined
): Effect.Effect<unknown, unknown, unknown> =>
  from(name, job, token, options, (request) => host.run(request, { token }))

/** The same for a wait that `run` starts. */
export const from = <A>(
  name: string,
  job: Any,
  token: ResumeToken,
  options: object | undefined,
  run: (request: request.Request) => Effect.Effect<A, unknown, unknown>
): Effect.Effect<A, unknown, unknown> => {
  request.aJob(name, job)
  validate.option(`${name}: token`, token ?? null, "{ job, key }")
  const rest = request.resuming(options, token)
  request.checkOfAny(name, job, rest)
  return Effect.suspend(() => {
    const key = request.keyOfToken<unknown, unknown, unknown, unknown, unknown>(job, token)
    return key instanceof ResumeTokenError ? Effect.fail(key) : run(request.ofAny(name, job, key, rest))
  })
}
