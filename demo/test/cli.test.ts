import { assert, describe, it } from "@effect/vitest"
import { parse, UsageError } from "../cli.ts"

const own = ["--url", "http://localhost/jobs", "--field", "status", "--succeeded", "done", "--failed", "error"]

describe("cli", () => {
  it("has defaults", () => {
    assert.deepStrictEqual(parse([]), { _tag: "Show", jobs: 300, speed: 30, json: false })
  })

  it("takes figures", () => {
    assert.deepStrictEqual(parse(["--jobs", "12", "--speed=2.5", "--json"]), {
      _tag: "Show",
      jobs: 12,
      speed: 2.5,
      json: true
    })
  })

  it("shows help before anything else", () => {
    assert.deepStrictEqual(parse(["--help", "--jobs", "nonsense"]), { _tag: "Help" })
  })

  it("reads a server of the user's", () => {
    assert.deepStrictEqual(
      parse([
        ...own,
        "--field",
        "data.state",
        "--succeeded",
        "ok,fine",
        "--interval",
        "250ms",
        "a",
        "b",
        "a",
        "--json"
      ]),
      {
        _tag: "OwnServer",
        url: new URL("http://localhost/jobs"),
        field: ["data", "state"],
        succeeded: ["done", "ok", "fine"],
        failed: ["error"],
        pending: [],
        interval: 250,
        deadline: 600_000,
        ids: ["a", "b"],
        json: true
      }
    )
  })

  const refusals: ReadonlyArray<readonly [args: ReadonlyArray<string>, message: string]> = [
    [["--bogus"], "Unknown option '--bogus'"],
    [["--jobs", "-3"], "--jobs needs a value, and not one that begins with a dash"],
    [["--jobs"], "Option '--jobs <value>' argument missing"],
    [["--jobs", "many"], '--jobs must be a whole number from 1 to 1000, got "many"'],
    [["--jobs", "1.5"], '--jobs must be a whole number from 1 to 1000, got "1.5"'],
    [["--jobs", ""], '--jobs must be a whole number from 1 to 1000, got ""'],
    [["--speed", "0"], '--speed must be a number from 1 to 60, got "0"'],
    [["--speed", "Infinity"], '--speed must be a number from 1 to 60, got "Infinity"'],
    [["id"], 'ids are only of use with --url, got "id"'],
    [["--field", "status"], "--field is only of use with --url"],
    [
      ["--url", "localhost/jobs", "--field", "s", "--succeeded", "a", "--failed", "b", "1"],
      '--url must be an http or https URL, got "localhost/jobs"'
    ],
    [
      ["--url", "http://localhost", "--succeeded", "a", "--failed", "b", "1"],
      "--url needs --field, the name of the field that holds the status"
    ],
    [
      ["--url", "http://localhost", "--field", "s", "--failed", "b", "1"],
      "--url needs --succeeded, a word of a job that ended well"
    ],
    [
      ["--url", "http://localhost", "--field", "s", "--succeeded", "a", "1"],
      "--url needs --failed, a word of a job that ended badly"
    ],
    [own, "--url needs at least one job id"],
    [[...own, ""], "a job id must not be empty"],
    [[...own, "1", "--pending", "done"], 'the word "done" is given twice'],
    [[...own, "1", "--field", "a..b"], '--field must be names joined by dots, as data.state, got "a..b"'],
    [[...own, "1", "--interval", "soon"], '--interval must be a time as 500ms, 5s or 2m, got "soon"'],
    [[...own, "1", "--deadline", "0"], '--deadline must be a time as 500ms, 5s or 2m, got "0"'],
    [[...own, "1", "--jobs", "3"], "--jobs is of no use with --url"]
  ]
  for (const [args, message] of refusals) {
    it(`refuses ${args.join(" ")}`, () => {
      try {
        parse(args)
        assert.fail("nothing was refused")
      } catch (error) {
        assert.instanceOf(error, UsageError)
        assert.strictEqual(error.message, message)
      }
    })
  }
})
