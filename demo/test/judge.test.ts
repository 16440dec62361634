import { assert, describe, it } from "@effect/vitest"
import type { EndingKind, Plan } from "../plan.ts"
import { judge } from "../judge.ts"
import { evidence, job } from "./evidence.ts"

const { plan } = job({ lagMillis: 0 }).wait

const planned = (ending: EndingKind): Plan => ({ ...plan, ending })

const ending = (kind: EndingKind, value?: unknown) => ({ kind, value, message: kind, checks: undefined })

const requests = (sent: number, aborted = 0) => ({ sent, open: 0, aborted })

const found = (changes: Parameters<typeof evidence>[0]) => judge(evidence(changes)).map(({ aspect }) => aspect)

describe("judge", () => {
  it("judge - finds no mismatch when everything agrees", () => {
    assert.deepStrictEqual(found({}), [])
  })

  describe("mismatches", () => {
    const cases: Readonly<Record<string, readonly [Parameters<typeof evidence>[0], ReadonlyArray<string>]>> = {
      "ending - differs from the truth": [{ wait: { ending: ending("failed", "Unknown error") } }, ["ending"]],
      "ending - differs from the outcome on the server": [
        { truth: { outcome: "failed", result: undefined } },
        ["ending", "result"]
      ],
      "ending - found before the job ended": [{ truth: { endedAt: undefined, outcome: undefined } }, ["ending"]],
      "ending - found earlier than it happened": [{ truth: { endedAt: 5000 } }, ["ending"]],
      "ending - timed out although the job had ended": [
        { wait: { plan: planned("timedOut"), ending: ending("timedOut") } },
        ["ending"]
      ],
      "ending - rejected although every response was well-formed": [
        { wait: { plan: planned("rejected"), ending: ending("rejected") } },
        ["ending"]
      ],
      "result - differs from the truth": [{ wait: { ending: ending("succeeded", { file: "b.pdf" }) } }, ["result"]],
      "failure - differs from the truth": [
        {
          wait: { plan: planned("failed"), ending: ending("failed", "the disk is empty") },
          truth: { outcome: "failed", failure: { code: "E", message: "the disk is full" } }
        },
        ["failure"]
      ],
      "request count - higher on the server": [{ truth: { requests: 4 } }, ["request count"]],
      "request count - lower on the server": [{ truth: { requests: 2 } }, ["request count"]],
      "check count - differs from the requests": [{ wait: { checks: 2 } }, ["check count"]],
      "late check - arrived after the end of the wait": [
        { truth: { lastRequestAt: 9000 } },
        ["check after the end of the wait"]
      ],
      "late check - sent after the end of the wait": [{ wait: { sentAtEnd: 2 } }, ["check after the end of the wait"]],
      "signal - had an unexpected response": [{ wait: { actionError: "a signal was refused" } }, ["kill or signal"]],
      "job - unknown to the server": [{ wait: { id: "job_2" }, rest: { received: 4 } }, ["job", "job"]],
      "total - differs from the server": [{ rest: { received: 5 } }, ["request count"]],
      "list - differs from the server": [{ rest: { listed: ["tsk_1"] } }, ["tasks in the list"]],
      "webhooks - arrived unexpectedly": [{ rest: { posts: { "/complete": 1 } } }, ["count"]]
    }
    for (const [name, [changes, expected]] of Object.entries(cases)) {
      it(name, () => {
        assert.deepStrictEqual(found(changes), expected)
      })
    }
  })

  it("judge - reports what was observed, and the truth", () => {
    const [mismatch] = judge(evidence({ wait: { ending: ending("succeeded", "another result") } }))
    assert.deepStrictEqual(mismatch, {
      provider: "JobStatus",
      subject: "JobStatus-1 job_1",
      aspect: "result",
      observed: "another result",
      truth: { file: "a.pdf" }
    })
  })

  it("judge - accepts a timeout of a running job, and the check that it aborted", () => {
    const changes = {
      wait: { plan: planned("timedOut"), ending: ending("timedOut"), requests: requests(3, 1) },
      truth: { endedAt: undefined, outcome: undefined, requests: 2, lastRequestAt: 9000 }
    }
    assert.deepStrictEqual(found(changes), [])
  })

  it("judge - accepts a rejection of a malformed response", () => {
    const changes = { wait: { plan: planned("rejected"), ending: ending("rejected") } }
    assert.deepStrictEqual(found({ ...changes, truth: { result: "{" } }), [])
    assert.deepStrictEqual(found({ ...changes, truth: { faultsServed: 1 } }), [])
  })

  it("judge - accepts an earlier run of a campaign that was never checked", () => {
    const { truth } = job({ lagMillis: 40 })
    const earlier = { ...truth, id: "task_1", ids: { eid: plan.name }, requests: 0 }
    const wait = { plan: { ...plan, work: { type: "campaign", previous: plan.script } } } as const
    assert.deepStrictEqual(found({ wait, rest: { truths: [truth, earlier] } }), [])
    assert.deepStrictEqual(found({ wait, rest: { truths: [truth, { ...earlier, requests: 1 }] } }), ["job"])
  })
})
