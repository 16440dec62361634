import { assert, describe, it } from "@effect/vitest"
import type { EndingKind, Plan } from "../plan.ts"
import { judge } from "../judge.ts"
import { evidence, job } from "./evidence.ts"

const { plan } = job({ lag: 0 }).seen

const planned = (ending: EndingKind): Plan => ({ ...plan, ending })

const ending = (kind: EndingKind, value?: unknown) => ({ kind, value, message: kind, checks: undefined })

const requests = (sent: number, cut = 0) => ({ sent, open: 0, cut })

const found = (changes: Parameters<typeof evidence>[0]) => judge(evidence(changes)).map(({ what }) => what)

describe("judge", () => {
  it("finds nothing where all agrees", () => {
    assert.deepStrictEqual(found({}), [])
  })

  describe("finds a lie about", () => {
    const lies: Readonly<Record<string, readonly [Parameters<typeof evidence>[0], ReadonlyArray<string>]>> = {
      "the ending": [{ seen: { ending: ending("failed", "Unknown error") } }, ["ending"]],
      "an end that the server knows otherwise": [
        { truth: { outcome: "failed", result: undefined } },
        ["ending", "result"]
      ],
      "an end that has not come": [{ truth: { endedAt: undefined, outcome: undefined } }, ["ending"]],
      "an end that came later": [{ truth: { endedAt: 5000 } }, ["ending"]],
      "a timeout of a job that had ended": [
        { seen: { plan: planned("timedOut"), ending: ending("timedOut") } },
        ["ending"]
      ],
      "an answer that was rejected, and was well-formed": [
        { seen: { plan: planned("rejected"), ending: ending("rejected") } },
        ["ending"]
      ],
      "the result": [{ seen: { ending: ending("succeeded", { file: "b.pdf" }) } }, ["result"]],
      "the failure": [
        {
          seen: { plan: planned("failed"), ending: ending("failed", "the disk is empty") },
          truth: { outcome: "failed", failure: { code: "E", message: "the disk is full" } }
        },
        ["failure"]
      ],
      "a check that the server got and we did not send": [{ truth: { requests: 4 } }, ["request count"]],
      "a check that we sent and the server did not get": [{ truth: { requests: 2 } }, ["request count"]],
      "the checks that the wait made": [{ seen: { checks: 2 } }, ["check count"]],
      "a check after the end of the wait": [{ truth: { lastRequestAt: 9000 } }, ["check after the end of the wait"]],
      "a request sent after the end of the wait": [{ seen: { sentByEnd: 2 } }, ["check after the end of the wait"]],
      "a signal": [{ seen: { trouble: "a signal was refused" } }, ["kill or signal"]],
      "the job itself": [{ seen: { id: "job_2" }, rest: { received: 4 } }, ["job", "job"]],
      "all requests": [{ rest: { received: 5 } }, ["request count"]],
      "the list": [{ rest: { listed: ["tsk_1"] } }, ["tasks in the list"]],
      "posts that nobody asked for": [{ rest: { posts: { "/complete": 1 } } }, ["count"]]
    }
    for (const [name, [changes, expected]] of Object.entries(lies)) {
      it(name, () => {
        assert.deepStrictEqual(found(changes), expected)
      })
    }
  })

  it("says what was seen, and what is true", () => {
    const [mismatch] = judge(evidence({ seen: { ending: ending("succeeded", "a lie") } }))
    assert.deepStrictEqual(mismatch, {
      provider: "JobStatus",
      of: "JobStatus-1 job_1",
      what: "result",
      seen: "a lie",
      truth: { file: "a.pdf" }
    })
  })

  it("takes a timeout of a job that goes on, and a check that was cut off by it", () => {
    const changes = {
      seen: { plan: planned("timedOut"), ending: ending("timedOut"), requests: requests(3, 1) },
      truth: { endedAt: undefined, outcome: undefined, requests: 2, lastRequestAt: 9000 }
    }
    assert.deepStrictEqual(found(changes), [])
  })

  it("takes an answer as rejected that was malformed", () => {
    const changes = { seen: { plan: planned("rejected"), ending: ending("rejected") } }
    assert.deepStrictEqual(found({ ...changes, truth: { result: "{" } }), [])
    assert.deepStrictEqual(found({ ...changes, truth: { faultsServed: 1 } }), [])
  })

  it("takes an earlier run of a campaign that nobody checked", () => {
    const { truth } = job({ lag: 40 })
    const earlier = { ...truth, id: "task_1", ids: { eid: plan.name }, requests: 0 }
    const seen = { plan: { ...plan, work: { lane: "campaign", previous: plan.script } } } as const
    assert.deepStrictEqual(found({ seen, rest: { truths: [truth, earlier] } }), [])
    assert.deepStrictEqual(found({ seen, rest: { truths: [truth, { ...earlier, requests: 1 }] } }), ["job"])
  })
})
