import { afterEach, assert, describe, it } from "@effect/vitest"
import { linesOf, measureRow, summary } from "../fleet/board.ts"
import * as close from "../fleet/close.ts"
import * as gateQuestions from "../fleet/gateQuestions.ts"
import { lagOf, neighbours } from "../fleet/hung.ts"
import * as hungNeighbour from "../fleet/hungNeighbour.ts"
import { row as lastChecks, virtualSeen } from "../fleet/lastChecks.ts"
import * as list from "../fleet/list.ts"
import { kept, row as observers } from "../fleet/observers.ts"
import { rateLimited } from "../fleet/rateLimited.ts"
import { type Figures, judge, type Row } from "../fleet/row.ts"
import { rows } from "../fleet/rows.ts"
import { ours, type Subject } from "../fleet/subject.ts"
import { aloof, chatty, forget, hasty, jealous, late, leaky, rash, sluggish } from "./badSubjects.ts"

const timeout = 60_000

const verdict = (row: Row, figure: string, figures: Figures) => judge(figures[figure], row.aims[figure])

describe("fleet", () => {
  describe("judge", () => {
    it("compares a figure with its aim", () => {
      assert.strictEqual(judge(0.999, { atLeast: 0.999 }), "pass")
      assert.strictEqual(judge(0.998, { atLeast: 0.999 }), "miss")
      assert.strictEqual(judge(2, { atMost: 2 }), "pass")
      assert.strictEqual(judge(2.1, { atMost: 2 }), "miss")
      assert.strictEqual(judge(true, { is: true }), "pass")
      assert.strictEqual(judge(false, { is: true }), "miss")
    })

    it("a figure that is missing or not a number misses its aim", () => {
      for (const aim of [{ atLeast: 0 }, { atMost: 0 }]) {
        assert.strictEqual(judge(undefined, aim), "miss")
        assert.strictEqual(judge(Number.NaN, aim), "miss")
      }
      assert.strictEqual(judge(undefined, { is: true }), "miss")
    })

    it("a figure without an aim has no verdict", () => {
      assert.strictEqual(judge(1, undefined), "none")
    })
  })

  describe("board", () => {
    const row: Row = {
      name: "row",
      what: "",
      aims: { share: { atLeast: 1 } },
      parts: { a: async () => ({ share: 1 }) }
    }

    it("a row whose part fails misses its aims", async () => {
      const measured = await measureRow(row, () => Promise.reject(new Error("out of memory")))
      assert.strictEqual(measured.problem, "out of memory")
      assert.deepStrictEqual(
        linesOf({ row, figures: measured.figures }).map(({ value, verdict }) => [value, verdict]),
        [["missing", "miss"]]
      )
    })

    it("prints costs apart from the other rows", async () => {
      const { figures } = await measureRow(row, (part) => row.parts[part]!())
      const cost = { ...row, name: "cost", isCost: true }
      assert.deepStrictEqual(
        summary([
          { row, figures },
          { row: cost, figures }
        ]),
        { row: { share: 1 }, costs: { cost: { share: 1 } } }
      )
    })

    it("has the rows and figures of the last line", async () => {
      const expected = {
        lastChecks: ["fleetSeen", "tightSeen", "singleRealSeen"],
        hungNeighbour: ["lagRatio"],
        hungGate: ["lagRatio"],
        storm: ["delayP99Millis", "delayMaxMillis"],
        close: ["seconds", "tokensFirst"],
        list: ["requestsPerSecond", "lateMillis"],
        rateLimited: ["lost", "refusedShare", "timeVsIdeal"],
        tenants: ["microsPerCheckAt8000", "at8"],
        observers: ["bytesKept"]
      }
      assert.deepStrictEqual(
        Object.values(rows)
          .filter(({ isCost }) => isCost !== true)
          .map(({ name }) => name),
        Object.keys(expected)
      )
      const numbers = new Proxy<Figures>({}, { get: () => 1 })
      for (const [name, figures] of Object.entries(expected)) {
        const row = rows[name]!
        // A row without `combine` has the figures of its parts.
        if (row.combine === undefined) continue
        const measured = await measureRow(row, () => Promise.resolve(numbers))
        assert.includeMembers(Object.keys(measured.figures), figures)
      }
    })

    it("each row judges figures that it has", async () => {
      const numbers = new Proxy<Figures>({}, { get: () => 1 })
      for (const row of Object.values(rows)) {
        if (row.combine === undefined) continue
        const { figures } = await measureRow(row, () => Promise.resolve(numbers))
        assert.includeMembers(Object.keys(figures), Object.keys(row.aims), row.name)
      }
    })
  })

  describe("lastChecks", () => {
    const fleet = { jobs: 50, concurrency: 100, checkMillis: 20, deadlineMillis: 60_000, endsBeforeMillis: 10_000 }
    const seen = async (subject: Subject) => ({ fleetSeen: await virtualSeen(subject, fleet) })

    it("sees ends where there is room for all last checks", { timeout }, async () => {
      assert.strictEqual(verdict(lastChecks, "fleetSeen", await seen(ours)), "pass")
    })

    it("misses waits that end before the job does", { timeout }, async () => {
      const figures = await seen(hasty)
      assert.strictEqual(figures.fleetSeen, 0)
      assert.strictEqual(verdict(lastChecks, "fleetSeen", figures), "miss")
    })
  })

  describe("hung neighbours", () => {
    const size = { concurrency: 4, hung: 40, healthy: 3, rounds: 2 }
    const ratio = async (subject: Subject, neighbour: keyof typeof neighbours) =>
      hungNeighbour.ratios({
        alone: { lagMillis: await lagOf(ours, size) },
        other: { lagMillis: await lagOf(subject, size, neighbours[neighbour]) }
      })

    it("a healthy job alone is known within a second and a check", { timeout }, async () => {
      const lag = await lagOf(ours, size)
      assert.isAtLeast(lag, 0)
      assert.isAtMost(lag, 1_040)
    })

    for (const neighbour of ["hangs", "uninterruptible", "gateHangs", "gateUninterruptible"] as const) {
      it(`${neighbour} - a Poller that hands out results late misses`, { timeout }, async () => {
        assert.strictEqual(verdict(hungNeighbour.row, "lagRatio", await ratio(jealous, neighbour)), "miss")
      })

      it(`${neighbour} - a Poller without the neighbour passes`, { timeout }, async () => {
        assert.strictEqual(verdict(hungNeighbour.row, "lagRatio", await ratio(aloof, neighbour)), "pass")
      })
    }
  })

  describe("close", () => {
    const size = { waits: 20, concurrency: 10, cancelTimeoutMillis: 10_000 }

    it("a Poller that takes a minute longer misses", { timeout }, async () => {
      const figures = await close.measure(sluggish, size, close.hanging.cancels)
      assert.isAtLeast(Number(figures.seconds), 60)
      assert.strictEqual(verdict(close.row, "seconds", figures), "miss")
    })

    it("a cancel before the tokens misses", { timeout }, async () => {
      const figures = await close.measure(rash, size, close.hanging.cancels)
      assert.strictEqual(verdict(close.row, "tokensFirst", figures), "miss")
    })

    it("ours has the tokens first", { timeout }, async () => {
      const figures = await close.measure(ours, size, close.hanging.cancels)
      assert.strictEqual(verdict(close.row, "tokensFirst", figures), "pass")
    })
  })

  describe("list", () => {
    const size = { jobs: 20, fromMillis: 10_000, toMillis: 30_000 }

    it("checks each job about once a second", { timeout }, async () => {
      const figures = await list.measure(ours, size)
      assert.isAtLeast(Number(figures.requestsPerSecond), 0.8)
      assert.isAtMost(Number(figures.requestsPerSecond), 20)
      assert.isAtLeast(Number(figures.checksPerJobAndSecond), 0.8)
      assert.isAtMost(Number(figures.checksPerJobAndSecond), 1)
    })

    it("a Poller that makes a request for each key misses", { timeout }, async () => {
      assert.strictEqual(verdict(list.row, "requestsPerSecond", await list.measure(chatty, size)), "miss")
    })

    it("a Poller that checks late misses", { timeout }, async () => {
      assert.strictEqual(verdict(list.row, "lateMillis", await list.measure(late, size)), "miss")
    })
  })

  describe("rateLimited", () => {
    it("has shares and counts in their ranges", { timeout }, async () => {
      const { lost, refusedShare, timeVsIdeal } = await rateLimited()
      assert.isAtLeast(lost, 0)
      assert.isAtMost(lost, 2_000)
      assert.isAtLeast(refusedShare, 0)
      assert.isAtMost(refusedShare, 1)
      assert.isAbove(timeVsIdeal, 0.5)
    })
  })

  describe("observers", () => {
    afterEach(forget)

    it("a host that keeps something for each check misses", { timeout }, async () => {
      const { bytes } = await kept(leaky, 2_000, { host: "Poll.start", who: "none" })
      assert.isAbove(bytes, 5_000_000)
      assert.strictEqual(verdict(observers, "bytesKept", { bytesKept: bytes }), "miss")
    })

    for (const host of ["Poller", "Poll.start"] as const)
      for (const who of ["observer", "reader"] as const) {
        it(`${host} - goes on checking beside a stuck ${who}`, { timeout }, async () => {
          const { bytes } = await kept(ours, 100, { host, who })
          assert.isTrue(Number.isFinite(bytes))
        })
      }
  })

  describe("gateQuestions", () => {
    it("a gate that closes for all waits is asked once a second", { timeout }, async () => {
      const { questionsPerSecond } = await gateQuestions.measure(ours, 50)
      assert.isAbove(Number(questionsPerSecond), 0)
      assert.isAtMost(Number(questionsPerSecond), 2)
    })
  })
})
