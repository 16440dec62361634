import { assert, describe, it } from "@effect/vitest"
import { parse, UsageError } from "../server/cli.ts"

describe("cli", () => {
  it("parse - takes a port, 5173 by default", () => {
    assert.deepEqual(parse([]), { _tag: "Serve", port: 5173 })
    assert.deepEqual(parse(["--port", "1"]), { _tag: "Serve", port: 1 })
    assert.deepEqual(parse(["--port=65535"]), { _tag: "Serve", port: 65_535 })
    assert.deepEqual(parse(["-h"]), { _tag: "Help" })
    assert.deepEqual(parse(["--port", "none", "--help"]), { _tag: "Help" })
  })

  for (const [args, message] of [
    [["--port", "0"], '--port must be an integer from 1 to 65535, got "0"'],
    [["--port", "65536"], '--port must be an integer from 1 to 65535, got "65536"'],
    [["--port", "80.5"], '--port must be an integer from 1 to 65535, got "80.5"'],
    [["--port", "80a"], '--port must be an integer from 1 to 65535, got "80a"'],
    [["--port", ""], '--port must be an integer from 1 to 65535, got ""'],
    [["--port"], "Option '--port <value>' argument missing"],
    [["--ports"], "Unknown option '--ports'"],
    [["5173"], "Unexpected argument '5173'"]
  ] as const) {
    it(`parse - refuses ${JSON.stringify(args)} in one line`, () => {
      assert.throws(() => parse(args), UsageError, message)
    })
  }
})
