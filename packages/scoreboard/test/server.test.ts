import { assert, describe, it } from "@effect/vitest"
import { VirtualClock } from "../conformance/clock.ts"
import { script, Server, until } from "../conformance/server.ts"

describe("Server", () => {
  it("answers as scripted, in the states of an API", async () => {
    const clock = new VirtualClock()
    const server = new Server(clock, script({}, { word: "succeeded" }), { words: { running: "in_progress" } })
    const bodies = [await server.request(), await server.request(), await server.request()].map(({ body }) => body)
    assert.deepStrictEqual(
      bodies.map((body) => (JSON.parse(body) as { readonly status: string }).status),
      ["in_progress", "succeeded", "succeeded"]
    )
    assert.strictEqual(server.count, 3)
  })

  it("until - changes the state at a time", () => {
    const say = until(1_000, "failed")
    assert.deepStrictEqual([say(1, 999).word, say(2, 1_000).word], ["running", "failed"])
  })

  it("counts concurrent requests, without aborted ones", async () => {
    const clock = new VirtualClock()
    const server = new Server(clock, () => ({ after: 100 }))
    const controller = new AbortController()
    const first = server.request(controller.signal).catch((reason: unknown) => reason)
    const second = server.request()
    controller.abort("enough")
    assert.strictEqual(await first, "enough")
    const third = server.request()
    await clock.advance(1_000)
    await Promise.all([second, third])
    assert.deepStrictEqual(
      [server.concurrent, server.requests.map(({ aborted }) => aborted)],
      [2, [true, false, false]]
    )
  })

  it("does not send a request whose signal has already aborted", async () => {
    const server = new Server(new VirtualClock(), () => ({}))
    const sent = await server.request(AbortSignal.abort("before")).catch((reason: unknown) => reason)
    assert.deepStrictEqual([sent, server.count], ["before", 0])
  })

  it("stops answering a flood", async () => {
    const clock = new VirtualClock()
    const server = new Server(clock, () => ({}))
    let answers = 0
    for (let n = 0; n < 400; n++) void server.request().then(() => answers++)
    await clock.advance(1_000)
    assert.deepStrictEqual([server.flooded, answers, server.perSecond], [true, 299, 400])
  })

  it("measures the gaps between requests", async () => {
    const clock = new VirtualClock()
    const server = new Server(clock, () => ({}))
    for (const at of [0, 400, 900, 2_000]) {
      await clock.advance(at)
      await server.request()
    }
    assert.deepStrictEqual([server.gaps, server.perSecond], [[400, 500, 1_100], 3])
  })
})
