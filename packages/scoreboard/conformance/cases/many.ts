// Many jobs behind one endpoint that accepts many ids.
import type { Ended } from "../adapter.ts"
import { BatchServer, type BatchScript } from "../batch.ts"
import { type Case, describe, hour, judge, type Lab, minute, second, span, type Verdict } from "../case.ts"

const theme = "Many jobs at once"

interface Many {
  readonly ids: ReadonlyArray<string>
  readonly script: BatchScript
  readonly interval?: ((index: number) => number) | undefined
  readonly jitter?: boolean | undefined
  readonly broken?: ((n: number) => boolean) | undefined
}

const names = (count: number): ReadonlyArray<string> => Array.from({ length: count }, (_, index) => `job-${index}`)

/** Watches jobs for some time and returns when and how each ended. */
const watch = async (
  lab: Lab,
  { broken, ids, interval = () => 10 * second, jitter = false, script }: Many,
  millis: number
) => {
  const server = new BatchServer(lab.clock, script, broken)
  const ends = new Map<number, { readonly ended: Ended; readonly at: number }>()
  const ended = (index: number, end: Ended): void => {
    if (!ends.has(index)) ends.set(index, { ended: end, at: lab.clock.now })
  }
  lab.adapter.many!({ server, ids, interval, jitter, deadline: hour, ended })
  await lab.clock.advance(millis, () => server.flooded)
  return { server, ends }
}

const succeeded = (end: { readonly ended: Ended } | undefined): boolean => end?.ended.tag === "succeeded"

const running = () => "running"

export const many: ReadonlyArray<Case> = [
  {
    name: "1000 jobs with the same interval need few requests",
    theme,
    source: "harmony#950; MineskinClient#29; medplum#8635: with 100 ids per request, 7 rounds need 70",
    needs: ["batch"],
    run: (lab) => thousand(lab, false)
  },
  {
    name: "1000 jobs with jittered intervals need few requests too",
    theme,
    source: "effect `RequestResolver`: batches of 1, 1, 1, 2, 9 after the first",
    needs: ["batch"],
    run: (lab) => thousand(lab, true)
  },
  {
    name: "a request lists each job once, even if two callers wait for it",
    theme,
    source: "effect `RequestResolver`: 1977 duplicates",
    needs: ["batch"],
    run: async (lab) => {
      const { server } = await watch(lab, { ids: [...names(50), ...names(50)], script: running }, minute)
      const twice = server.requests.reduce((sum, { ids }) => sum + ids.length - new Set(ids).size, 0)
      return judge(twice === 0 && server.asked("job-0") >= 5, `${twice} ids listed twice`)
    }
  },
  {
    name: "one job with a short interval does not speed up the others",
    theme,
    source: "MCPJam/inspector#3518: Math.min over the intervals",
    needs: ["batch"],
    run: async (lab) => {
      const interval = (index: number) => (index === 0 ? second : 30 * second)
      const { server } = await watch(lab, { ids: names(20), interval, script: running }, minute)
      const [first, other] = [server.asked("job-0"), server.asked("job-7")]
      return judge(
        first >= 50 && other >= 2 && other <= 4,
        `${other} checks of a job with an interval of 30 s in 60 s, ${first} of the one with 1 s`
      )
    }
  },
  {
    name: "a finished job is reported before the slow ones end",
    theme,
    source: "term-llm#1008; kubectl wait; inngest#1046",
    needs: ["batch"],
    run: async (lab) => {
      const script: BatchScript = (id, _n, at) => (id === "job-3" && at > 15_000 ? "succeeded" : "running")
      const { ends } = await watch(lab, { ids: names(20), script }, minute)
      const end = ends.get(3)
      return judge(
        succeeded(end) && end!.at <= 21_100 && ends.size === 1,
        end === undefined ? "not reported in 60 s" : `reported after ${span(end.at)}`
      )
    }
  },
  {
    name: "a failed job does not end the waits for the others",
    theme,
    source: "tolerated failures: inngest#1315, inngest-js#1617",
    needs: ["batch"],
    run: async (lab) => {
      const script: BatchScript = (id, n) => (n < 3 ? "running" : id === "job-3" ? "failed" : "succeeded")
      const { ends } = await watch(lab, { ids: names(20), script }, minute)
      const well = [...ends.values()].filter(succeeded).length
      return judge(
        well === 19 && ends.get(3)?.ended.tag === "failed",
        `${well} of 19 succeeded, the other: ${describe(ends.get(3)?.ended)}`
      )
    }
  },
  {
    name: "an answer that omits one job does not affect the others",
    theme,
    source: "harmony#950: ids not found; medplum#8635",
    needs: ["batch"],
    run: async (lab) => {
      const script: BatchScript = (id, n) => (id === "job-3" ? undefined : n < 3 ? "running" : "succeeded")
      const { ends } = await watch(lab, { ids: names(20), script }, minute)
      const well = [...ends.values()].filter(succeeded).length
      return judge(
        well === 19 && !succeeded(ends.get(3)),
        `${well} of 19 succeeded, the other: ${describe(ends.get(3)?.ended)}`
      )
    }
  },
  {
    name: "a lost batch request fails none of its jobs",
    theme,
    source: "metaflow#522; apache/airflow#67219",
    needs: ["batch"],
    run: async (lab) => {
      const script: BatchScript = (_id, n) => (n < 3 ? "running" : "succeeded")
      const { ends } = await watch(lab, { ids: names(20), script, broken: (n) => n === 2 }, 2 * minute)
      const well = [...ends.values()].filter(succeeded).length
      return judge(well === 20, `${well} of 20 succeeded`)
    }
  }
]

// ---- internal ----

const thousand = async (lab: Lab, jitter: boolean): Promise<Verdict> => {
  const { server } = await watch(lab, { ids: names(1_000), jitter, script: running }, 65 * second)
  const count = server.requests.length
  const seen = server.asked("job-500")
  const largest = Math.max(...server.requests.map(({ ids }) => ids.length))
  return judge(
    seen >= 5 && largest <= server.size && count <= 175,
    `${count} requests for ${seen} rounds, up to ${largest} ids each`
  )
}
