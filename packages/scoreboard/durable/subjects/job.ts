// The job as a user of ours writes it.
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Job from "effect-poll/Job"
import type * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import type { World } from "../work.ts"

export type Waiting = Job.Job<string, string> & Job.WithCodecs<string, string>

export const jobOf = ({ check }: World): Waiting =>
  Job.make("wait", {
    check: (key: string) =>
      // oxlint-disable-next-line typescript/require-await -- a check is a request, so its answer is not there at once
      Effect.promise(async () => (check(key) ? Status.succeeded("done") : Status.pending()))
  }).pipe(Job.withCodecs({ success: Schema.String }))

export const optionsOf = ({ work }: World): Omit<Poll.Options, "deadline"> => ({
  strategy: Strategy.spaced(work.intervalMillis)
})
