import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { type Defaults, Reference } from "../options/defaults.ts"
import { type Policy, shownKey } from "../options/policy.ts"
import type { Request } from "../options/request.ts"
import { escape } from "../text.ts"

// What the hosts of single waits begin with.

/** What a wait is run with. */
export interface Prepared {
  readonly request: Request
  readonly policy: Policy
  readonly context: Context.Context<unknown>
  readonly defaults: Defaults
}

/** Compiles the options of a wait under the defaults of its context. */
export const prepare = <A, E, R, R2>(
  request: Request,
  use: (prepared: Prepared) => Effect.Effect<A, E, R2>
): Effect.Effect<A, E, R | R2> =>
  Effect.contextWith((context: Context.Context<R>) => {
    const defaults = Context.get(context, Reference)
    return use({ request, policy: request.policy(defaults), context: context as Context.Context<unknown>, defaults })
  })

/** The attributes of the span of a wait. */
export const spanOptions = ({ policy, request }: Prepared) => ({
  attributes: { "poll.job": escape(policy.job), "poll.key": escape(shownKey(policy, request.key, request.rawKey)) }
})
