import * as Webhook from "@effect-poll/http/Webhook"
import * as Mixpeek from "@effect-poll/providers/Mixpeek"
import * as Effect from "effect/Effect"
import * as Poll from "effect-poll/Poll"
import * as Strategy from "effect-poll/Strategy"

export const documents = (options: { readonly apiUrl: string; readonly hookSecret: string }) => {
  const mixpeek = Mixpeek.make({
    baseUrl: options.apiUrl,
    // A type of task that the documentation does not list, and where the resource behind it is.
    fallbacks: { api_taxonomies_materialize: "/v1/taxonomies/{taxonomy_id}" }
  })
  /** Which collection a task writes to: only you know it. */
  const collections = new Map<string, string>()

  const write = (bucketId: string, collection: string, strategy: Strategy.Strategy = Strategy.spaced("1 minute")) =>
    Effect.gen(function* () {
      const { key } = yield* mixpeek.tasks.submit!({ kind: "batch", bucketId })
      collections.set(key.taskId, collection)
      return yield* Effect.ensuring(
        Poll.until(mixpeek.tasks, key, { deadline: "1 day", strategy, minInterval: "1 second" }),
        Effect.sync(() => collections.delete(key.taskId))
      )
    })

  /** Names a collection and no task: a reason to check the tasks that write to it. */
  const written = Webhook.route("/hooks/mixpeek", {
    verify: Webhook.unsigned({ secretPath: options.hookSecret }),
    push: Mixpeek.DocumentsWritten,
    jobs: [mixpeek.tasks],
    isAbout: ({ collectionId }, { taskId }) => collectionId === undefined || collections.get(taskId) === collectionId
  })

  return { mixpeek, write, written }
}
