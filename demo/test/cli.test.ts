import { assert, describe, it } from "@effect/vitest"
import { parse, UsageError } from "../cli.ts"

const own = ["--url", "http://localhost/jobs", "--field", "status", "--succeeded", "done", "--failed", "error"]

describe("cli", () => {
  it("parse - applies the defaults", () => {
    assert.deepStrictEqual(parse([]), { _tag: "Simulation", jobs: 300, speed: 30, strategy: "published", json: false })
  })

  it("parse - reads numbers", () => {
    assert.deepStrictEqual(parse(["--jobs", "12", "--speed=2.5", "--strategy", "learned", "--json"]), {
      _tag: "Simulation",
      jobs: 12,
      speed: 2.5,
      strategy: "learned",
      json: true
    })
  })

  it("parse - skips a leading --, which some package managers pass on", () => {
    assert.deepStrictEqual(parse(["--", "--jobs", "12"]), parse(["--jobs", "12"]))
  })

  it("--help - takes precedence over invalid options", () => {
    assert.deepStrictEqual(parse(["--help", "--jobs", "nonsense"]), { _tag: "Help" })
  })

  it("--url - reads the options of a server of one's own", () => {
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
        intervalMillis: 250,
        deadlineMillis: 600_000,
        ids: ["a", "b"],
        json: true
      }
    )
  })

  const rejections: ReadonlyArray<readonly [args: ReadonlyArray<string>, message: string]> = [
    [["--bogus"], "Unknown option '--bogus'"],
    [["--jobs", "-3"], "--jobs requires a value that does not begin with a dash"],
    [["--jobs"], "Option '--jobs <value>' argument missing"],
    [["--jobs", "many"], '--jobs must be an integer from 1 to 1000, got "many"'],
    [["--jobs", "1.5"], '--jobs must be an integer from 1 to 1000, got "1.5"'],
    [["--jobs", ""], '--jobs must be an integer from 1 to 1000, got ""'],
    [["--speed", "0"], '--speed must be a number from 1 to 60, got "0"'],
    [["--speed", "Infinity"], '--speed must be a number from 1 to 60, got "Infinity"'],
    [["--strategy", "guess"], '--strategy must be published or learned, got "guess"'],
    [["--strategy", ""], '--strategy must be published or learned, got ""'],
    [["--strategy"], "Option '--strategy <value>' argument missing"],
    [["id"], 'job ids require --url, got "id"'],
    [["--field", "status"], "--field requires --url"],
    [
      ["--url", "localhost/jobs", "--field", "s", "--succeeded", "a", "--failed", "b", "1"],
      '--url must be an http or https URL, got "localhost/jobs"'
    ],
    [
      ["--url", "http://localhost", "--succeeded", "a", "--failed", "b", "1"],
      "--url requires --field, the name of the field that contains the state"
    ],
    [
      ["--url", "http://localhost", "--field", "s", "--failed", "b", "1"],
      "--url requires --succeeded, a state of a job that succeeded"
    ],
    [
      ["--url", "http://localhost", "--field", "s", "--succeeded", "a", "1"],
      "--url requires --failed, a state of a job that failed"
    ],
    [own, "--url requires at least one job id"],
    [[...own, ""], "a job id must not be empty"],
    [[...own, "1", "--pending", "done"], 'the state "done" is given twice'],
    [[...own, "1", "--field", "a..b"], '--field must be names joined by dots, such as data.state, got "a..b"'],
    [[...own, "1", "--interval", "soon"], '--interval must be a time such as 500ms, 5s or 2m, got "soon"'],
    [[...own, "1", "--deadline", "0"], '--deadline must be a time such as 500ms, 5s or 2m, got "0"'],
    [[...own, "1", "--jobs", "3"], "--jobs cannot be used with --url"],
    [[...own, "1", "--strategy", "learned"], "--strategy cannot be used with --url"]
  ]
  for (const [args, message] of rejections) {
    it(`parse - rejects ${args.join(" ")}`, () => {
      try {
        parse(args)
        assert.fail("the arguments were accepted")
      } catch (error) {
        assert.instanceOf(error, UsageError)
        assert.strictEqual(error.message, message)
      }
    })
  }
})
