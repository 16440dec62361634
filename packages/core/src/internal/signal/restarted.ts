import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as Told from "../../Told.ts"

const longestPause = 60_000

/** Runs a stream again when it fails or ends before the job has, after a pause. Each break is a reason to check. */
export const restarted = <A, F, E, R>(stream: Stream.Stream<Told.Told<A, F>, E, R>): Told.Source<A, F, R> =>
  Stream.suspend(() => {
    let breaks = 0
    const reset = (): void => {
      breaks = 0
    }
    const pauses = Schedule.addDelay(Schedule.forever, () =>
      Effect.sync(() => Math.min(1_000 * 2 ** breaks++, longestPause))
    )
    return stream.pipe(
      Stream.tap(() => Effect.sync(reset)),
      Stream.catch(() => Stream.empty),
      Stream.concat(Stream.make(Told.wake)),
      Stream.repeat(pauses),
      Stream.takeUntil((told) => told._tag === "Ended")
    )
  })
