import * as Webhook from "@effect-poll/http/Webhook"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as Signal from "effect-poll/Signal"
import * as Status from "effect-poll/Status"

/** Your database: documents, and the token of the review that each of them waits for. */
export class Documents extends Context.Service<
  Documents,
  {
    readonly saveToken: (id: string, token: Redacted.Redacted) => Effect.Effect<void>
    readonly tokenOf: (id: string) => Effect.Effect<Redacted.Redacted>
  }
>()("app/Documents") {}

const Approved = Schema.Struct({ approvedBy: Schema.String })
const Refused = Schema.Struct({ reason: Schema.String })

type Approved = typeof Approved.Type
type Refused = typeof Refused.Type

/** Nobody but the reviewer knows how it ends, so a check finds nothing. */
export const Reviews = Job.make("review", {
  check: (_document: string): Effect.Effect<Status.Status<Approved, Refused>> => Effect.succeed(Status.pending())
}).pipe(Job.withCodecs({ success: Approved, failure: Refused }))

/** Opens a review. The token is stored with the document: whoever has it decides. */
export const open = (document: string) =>
  Effect.gen(function* () {
    const { token } = yield* Signal.make(Reviews, document, { maxWaitTime: "2 days", tags: ["review"] })
    yield* (yield* Documents).saveToken(document, token)
  })

/** Waits for the decision, in the process that opened the review or in any later one. */
export const decision = (document: string) =>
  Effect.gen(function* () {
    const signal = yield* Signal.attach(Reviews, { key: document })
    return yield* Poll.until(Reviews, document, { deadline: "3 days", signal: signal.events })
  })

/** What the button of your own page does, for a person who is logged in. */
export const approve = (document: string, approvedBy: string) =>
  Effect.gen(function* () {
    const token = yield* (yield* Documents).tokenOf(document)
    return yield* Signal.complete(Reviews, token, { approvedBy })
  })

/** For those who have only the token, such as another service: `POST /v1/signals/{token}`. */
export const signals = Webhook.signals("/v1/signals", [Reviews])
