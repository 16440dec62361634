import type { WriteStream } from "node:tty"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** The only writer to the terminal. */
export interface Screen {
  readonly isTerminal: boolean
  readonly columns: () => number
  readonly colors: boolean
  /** Replaces the lines drawn last; if the stream is not a terminal, appends them. */
  readonly draw: (lines: ReadonlyArray<string>) => void
}

/** Hides the cursor of a terminal until the scope closes. */
export const make = (
  stream: Pick<WriteStream, "write"> & Partial<Pick<WriteStream, "isTTY" | "columns">>,
  env: Readonly<Record<string, string | undefined>>
): Effect.Effect<Screen, never, Scope.Scope> =>
  Effect.gen(function* () {
    const isTerminal = stream.isTTY === true && env["TERM"] !== "dumb"
    let drawn = 0
    if (isTerminal) {
      yield* Effect.acquireRelease(
        Effect.sync(() => stream.write(hideCursor)),
        () => Effect.sync(() => stream.write(showCursor))
      )
    }
    return {
      isTerminal,
      columns: () => stream.columns ?? 80,
      colors: isTerminal && (env["NO_COLOR"] ?? "") === "",
      draw: (lines) => {
        const up = isTerminal && drawn > 0 ? `\u001b[${drawn}F${clearBelow}` : ""
        drawn = lines.length
        stream.write(up + lines.map((line) => `${line}\n`).join(""))
      }
    }
  })

// ---- internal ----

const hideCursor = "\u001b[?25l"
const showCursor = "\u001b[?25h"
const clearBelow = "\u001b[0J"
