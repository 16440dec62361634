import { assert, describe, it } from "@effect/vitest"
import { type Figures, judge, type Row } from "../fleet/row.ts"
import { names, summary } from "../signals/board.ts"
import { measure as attack, ours as receiver, type Receiver } from "../signals/hostile.ts"
import { row as hostile } from "../signals/hostileRow.ts"
import { jobsOf, lossy as faults, minutes } from "../signals/jobs.ts"
import { postsOf } from "../signals/posts.ts"
import { providers } from "../signals/providers.ts"
import { rows } from "../signals/rows.ts"
import { percentile, type Subject } from "../signals/simulate.ts"
import { compared, healthy, lossy, lossyFigures, measure } from "../signals/told.ts"
import { credulous, deaf, drowsy, forgetful, hoarder, inventive, lazy, trusting } from "./badTold.ts"

const timeout = 120_000

const verdict = (row: Row, figure: string, figures: Figures) => judge(figures[figure], row.aims[figure])

const mix = { ...minutes, jobs: 24 }

describe("signals", () => {
  describe("board", () => {
    it("has the rows and figures of the last line", () => {
      assert.includeMembers([...names], ["polling", "healthy", "lossy", "short", "hostile"])
      const figures = { requestsPerJob: 1 }
      assert.deepStrictEqual(summary([{ row: rows["polling"]!, figures }]), { polling: figures })
    })

    it("percentile - takes the nearest rank", () => {
      assert.strictEqual(percentile([3, 1, 2], 50), 2)
      assert.strictEqual(percentile([1, 2, 3, 4], 99), 4)
      assert.isNaN(percentile([], 50))
    })
  })

  describe("jobs", () => {
    it("take at least two minutes, and the same time in each run, whatever becomes of their messages", () => {
      const jobs = jobsOf(minutes)
      for (const { duration } of jobs) assert.isTrue(duration >= 120_000 && duration <= 600_000)
      assert.deepStrictEqual(jobsOf(minutes), jobs)
      const durations = (all: typeof jobs) => all.map(({ beginsAt, duration }) => [beginsAt, duration])
      assert.deepStrictEqual(durations(jobsOf({ ...minutes, faults })), durations(jobs))
    })

    it("one message in five is lost, others come late or three times", () => {
      const messages = jobsOf({ ...minutes, faults }).map((job) => job.messages)
      const share = (is: (messages: ReadonlyArray<number>) => boolean) => messages.filter(is).length / messages.length
      assert.closeTo(
        share(({ length }) => length === 0),
        0.2,
        0.03
      )
      assert.closeTo(
        share(({ length }) => length === 3),
        0.16,
        0.03
      )
      assert.closeTo(
        share(([first = 0]) => first > 10_000),
        0.08,
        0.03
      )
    })
  })

  describe("told jobs", () => {
    let polled: ReturnType<typeof measure> | undefined
    const told = async (subject?: Subject) => {
      polled ??= measure("polling", mix)
      return compared({ ...(await measure("signal", mix, subject)) }, { ...(await polled) })
    }

    it("a signal takes a small part of the requests of polling, and less time", { timeout }, async () => {
      const figures = await told()
      assert.isBelow(Number(figures["requestsShare"]), 0.15)
      assert.strictEqual(figures["lost"], 0)
      assert.strictEqual(verdict(healthy, "lagP50Ratio", figures), "pass")
      assert.strictEqual(verdict(healthy, "lagP99Ratio", figures), "pass")
    })

    it("a wait that does not listen misses the share of requests", { timeout }, async () => {
      assert.strictEqual(verdict(healthy, "requestsShare", await told(deaf)), "miss")
    })

    it("a wait that is told late misses the lag", { timeout }, async () => {
      const figures = await told(drowsy)
      assert.strictEqual(verdict(healthy, "lagP50Ratio", figures), "miss")
      assert.strictEqual(verdict(healthy, "lagP99Ratio", figures), "miss")
    })

    for (const provider of providers)
      it(`${provider.name} - the server is asked, and its answer is the result`, { timeout }, async () => {
        const { lost, requestsPerJob } = await measure("polling", { ...mix, jobs: 5 }, undefined, provider)
        assert.strictEqual(lost, 0)
        assert.isAbove(requestsPerJob, 5)
      })
  })

  describe("lost messages", () => {
    const told = async (way: "signal" | "wake" | "report", subject?: Subject) =>
      lossyFigures(await measure(way, { ...mix, faults }, subject))

    for (const way of ["signal", "wake", "report"] as const)
      it(`${way} - no job is lost, and none is known later than the slow interval`, { timeout }, async () => {
        const figures = await told(way)
        assert.isAbove(Number(figures["messagesLost"]), 0)
        assert.strictEqual(verdict(lossy, "lost", figures), "pass")
        assert.strictEqual(verdict(lossy, "lagP99Millis", figures), "pass")
      })

    it("a wait without polling behind its signal loses jobs", { timeout }, async () => {
      assert.strictEqual(verdict(lossy, "lost", await told("signal", trusting)), "miss")
    })

    it("a wait that ends with another result than that of its job loses it", { timeout }, async () => {
      assert.strictEqual(verdict(lossy, "lost", await told("signal", inventive)), "miss")
    })

    it("a wait that polls rarely misses the lag", { timeout }, async () => {
      assert.strictEqual(verdict(lossy, "lagP99Millis", await told("signal", lazy)), "miss")
    })
  })

  describe("hostile", () => {
    const attacked = (subject: Receiver, hostileAlone = 0) =>
      attack(subject, { hostile: 100, hostileAlone, honest: 20, bodyTimeoutMillis: 300 })
    // With few posts, what the process itself keeps counts more.
    const aims = { ...hostile.aims, honestOnce: { atLeast: 20 }, heapBytesPerPost: { atMost: 20_000 } }
    const row: Row = { ...hostile, aims }

    it("posts are in the same order in each run, and of every kind", () => {
      const keys = { standard: ["a"], github: ["b"], signals: ["c"] }
      const plan = { seed: 1, hostile: 100, honest: true, keys, tokens: { c: "token" } }
      const kinds = postsOf(plan, 0).map(({ kind }) => kind)
      assert.deepStrictEqual(
        postsOf(plan, 0).map(({ kind }) => kind),
        kinds
      )
      assert.strictEqual(kinds.length, 109)
      assert.strictEqual(new Set(kinds).size, 16)
      assert.strictEqual(kinds.filter((kind) => kind === "github").length, 3)
    })

    it("R71: accepts no hostile post, applies each honest one once, and keeps nothing", { timeout }, async () => {
      const figures = await attacked(receiver, 200)
      for (const figure of ["accepted", "honestOnce", "heapBytesPerPost"])
        assert.strictEqual(verdict(row, figure, figures), "pass", `${figure}: ${figures[figure]}`)
    })

    it("a receiver that verifies nothing misses", { timeout }, async () => {
      assert.strictEqual(verdict(row, "accepted", await attacked(credulous)), "miss")
    })

    it("a receiver that remembers no deliveries misses", { timeout }, async () => {
      const figures = await attacked(forgetful)
      assert.strictEqual(verdict(row, "accepted", figures), "pass")
      assert.strictEqual(verdict(row, "honestOnce", figures), "miss")
    })

    it("a receiver that keeps something for each post misses", { timeout }, async () => {
      assert.strictEqual(verdict(row, "heapBytesPerPost", await attacked(hoarder(), 200)), "miss")
    })
  })
})
