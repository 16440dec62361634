import * as Webhook from "@effect-poll/http/Webhook"
import * as GenerationApi from "@effect-poll/providers/GenerationApi"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Poll from "effect-poll/Poll"
import * as Strategy from "effect-poll/Strategy"

export const generator = (options: {
  readonly apiUrl: string
  readonly token: Redacted.Redacted
  /** Where this program is reached. */
  readonly publicUrl: string
  readonly hookSecret: string
}) => {
  const api = GenerationApi.make({ baseUrl: options.apiUrl, token: options.token })
  const callbackUrl = `${options.publicUrl}/hooks/generation/${options.hookSecret}`

  /** Submits in callback mode, and waits: the callback ends the wait by a check, and polling is behind it. */
  const generate = (model: string, prompt: string, strategy: Strategy.Strategy = Strategy.spaced("1 minute")) =>
    Effect.gen(function* () {
      const { key } = yield* api.submit!({ model, input: { prompt }, callbackUrl })
      // However many callbacks arrive, forged ones among them: a check a second at most.
      return yield* Poll.until(api, key, { deadline: "10 minutes", strategy, minInterval: "1 second" })
    })

  /** The payload of a check, which nobody signed: it is a reason to check. */
  const callbacks = Webhook.route("/hooks/generation", {
    verify: Webhook.unsigned({ secretPath: options.hookSecret }),
    push: GenerationApi.Callback,
    jobs: [api]
  })

  return { api, generate, callbacks }
}
