// Many jobs behind one endpoint that takes many ids.
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

/** Watches jobs for a time, and tells when and how each ended. */
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
    name: "1000 jobs at one interval take few requests",
    theme,
    source: "harmony#950; MineskinClient#29; medplum#8635: 100 ids a request, 7 rounds need 70",
    needs: ["batch"],
    run: (lab) => thousand(lab, false)
  },
  {
    name: "1000 jobs with jittered intervals take few requests too",
    theme,
    source: "effect `RequestResolver`: batches of 1, 1, 1, 2, 9 after the first",
    needs: ["batch"],
    run: (lab) => thousand(lab, true)
  },
  {
    name: "a request names no job twice, though two wait for it",
    theme,
    source: "effect `RequestResolver`: 1977 duplicates",
    needs: ["batch"],
    run: async (lab) => {
      const { server } = await watch(lab, { ids: [...names(50), ...names(50)], script: running }, minute)
      const twice = server.requests.reduce((sum, { ids }) => sum + ids.length - new Set(ids).size, 0)
      return judge(twice === 0 && server.asked("job-0") >= 5, `${twice} ids named twice`)
    }
  },
  {
    name: "one impatient job does not hurry the others",
    theme,
    source: "MCPJam/inspector#3518: Math.min over the tasks",
    needs: ["batch"],
    run: async (lab) => {
      const interval = (index: number) => (index === 0 ? second : 30 * second)
      const { server } = await watch(lab, { ids: names(20), interval, script: running }, minute)
      const [first, other] = [server.asked("job-0"), server.asked("job-7")]
      return judge(
        first >= 50 && other >= 2 && other <= 4,
        `${other} checks a patient one in 60 s, ${first} at the other`
      )
    }
  },
  {
    name: "a job that is done is told before the slow ones are",
    theme,
    source: "term-llm#1008; kubectl wait; inngest#1046",
    needs: ["batch"],
    run: async (lab) => {
      const script: BatchScript = (id, _n, at) => (id === "job-3" && at > 15_000 ? "succeeded" : "running")
      const { ends } = await watch(lab, { ids: names(20), script }, minute)
      const end = ends.get(3)
      return judge(
        succeeded(end) && end!.at <= 21_000 && ends.size === 1,
        end === undefined ? "not told in 60 s" : `told after ${span(end.at)}`
      )
    }
  },
  {
    name: "a job that fails does not end the waits for the others",
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
    name: "an answer that leaves one job out harms no other",
    theme,
    source: "harmony#950: ids that were not found; medplum#8635",
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
    name: "a request for many that is lost fails none of them",
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
