import { assert } from "@effect/vitest"
import { inBrowser, row } from "../src/Fixture.ts"

inBrowser("requests of a page", () => {
  row("PageHttp - sends one request for each check to another origin, and no OPTIONS", async ({ open, site }) => {
    const tab = await open("http")
    for (const client of ["page", "withCredentials"] as const) {
      for (const check of ["HttpCheck", "HttpClient"] as const) {
        for (const provided of ["to the wait", "to a traced wait", "to the job"] as const) {
          const job = site.job({ endsAtCheck: 5 })
          await tab.run((settings, url) => http.poll(settings, url), { client, check, provided }, job.foreignUrl)
          const methods = job.requests.map(({ method }) => method)
          assert.deepStrictEqual(
            methods,
            ["GET", "GET", "GET", "GET", "GET"],
            JSON.stringify({ client, check, provided })
          )
          assert.isTrue(job.requests.every(({ isForeign }) => isForeign))
          for (const { headers } of job.requests) {
            assert.notProperty(headers, "traceparent")
            assert.notProperty(headers, "b3")
          }
        }
      }
    }
    assert.isNotEmpty(await tab.run(() => http.spans()))
  })

  row("control: effect's client - asks for permission before each check", async ({ open, site }) => {
    const tab = await open("http")
    for (const settings of [
      { client: "fetch", check: "HttpClient", provided: "to the wait" },
      { client: "fetch", check: "HttpCheck", provided: "to a traced wait" }
    ] as const) {
      const job = site.job({ endsAtCheck: 3 })
      await tab.run((settings, url) => http.poll(settings, url), settings, job.foreignUrl)
      assert.isAtLeast(job.requests.filter(({ method }) => method === "OPTIONS").length, 3)
    }
  })

  row("PageHttp - sends five checks of one URL at the same time", async ({ open, site }) => {
    const tab = await open("http")
    for (const check of ["HttpCheck", "HttpClient"] as const) {
      const job = site.job({ endsAtCheck: 1, headers: { "cache-control": "max-age=60" } })
      job.hold()
      const settings = { client: "page", check, provided: "to the wait" } as const
      const results = tab.run((settings, url) => http.pollTogether(settings, url, 5), settings, job.url)
      await job.checked(5)
      assert.strictEqual(job.checks[0]!.open, 5)
      job.release()
      assert.lengthOf(await results, 5)
      assert.lengthOf(job.requests, 5)
    }
  })

  row("control: fetch - sends the checks of one URL one after another", async ({ open, site }) => {
    const tab = await open("http")
    const job = site.job({ endsAtCheck: 1, delayMillis: 100 })
    await tab.run(
      (settings, url) => http.pollTogether(settings, url, 5),
      {
        client: "fetch",
        check: "HttpClient",
        provided: "to the wait"
      } as const,
      job.url
    )
    assert.strictEqual(Math.max(...job.checks.map(({ open }) => open)), 1)
  })
})
