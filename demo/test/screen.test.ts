import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Screen from "../screen.ts"

describe("screen", () => {
  const drawn = (isTTY: boolean, env: Readonly<Record<string, string>> = {}) => {
    const written: Array<string> = []
    const stream = { isTTY, columns: 80, write: (text: string) => written.push(text) > 0 }
    return Effect.gen(function* () {
      const screen = yield* Screen.make(stream, env)
      screen.draw(["one", "two"])
      screen.draw(["three"])
      return screen
    }).pipe(
      Effect.scoped,
      Effect.map((screen) => ({ screen, written }))
    )
  }

  it.effect("draw - replaces the last lines on a terminal, and the cursor is shown again at the end", () =>
    Effect.gen(function* () {
      const { screen, written } = yield* drawn(true)
      assert.isTrue(screen.colors)
      assert.deepStrictEqual(written, ["\u001b[?25l", "one\ntwo\n", "\u001b[2F\u001b[0Jthree\n", "\u001b[?25h"])
    })
  )

  it.effect("draw - appends plain lines when the stream is not a terminal", () =>
    Effect.gen(function* () {
      const { screen, written } = yield* drawn(false)
      assert.isFalse(screen.colors)
      assert.deepStrictEqual(written, ["one\ntwo\n", "three\n"])
    })
  )

  it.effect("make - respects NO_COLOR and a dumb terminal", () =>
    Effect.gen(function* () {
      assert.isFalse((yield* drawn(true, { NO_COLOR: "1" })).screen.colors)
      assert.isFalse((yield* drawn(true, { TERM: "dumb" })).screen.isTerminal)
    })
  )
})
