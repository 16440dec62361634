import { assert, describe, it } from "@effect/vitest"
import type { PollStore } from "@effect-poll/web/PollStore"
import { QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query"
import type { ReactNode } from "react"
import { renderToPipeableStream, renderToString } from "react-dom/server"
import { PassThrough } from "node:stream"
import { text } from "node:stream/consumers"
import { PollBoundary, PollProvider, usePoll, usePolls, useSuspensePoll } from "@effect-poll/react"
import { pollQueryOptions } from "@effect-poll/react/query"
import { counted, deadline } from "./support.ts"

const streamed = (element: ReactNode): Promise<{ readonly html: string; readonly errors: ReadonlyArray<unknown> }> =>
  new Promise((resolve) => {
    const errors: Array<unknown> = []
    const { pipe } = renderToPipeableStream(element, {
      onError: (error) => {
        errors.push(error)
        return (error as { readonly digest?: string }).digest
      },
      onAllReady: () => {
        const body = new PassThrough()
        void text(body).then((html) => resolve({ html, errors }))
        pipe(body)
      }
    })
  })

/** Time in which a loop would make checks. */
const later = () => new Promise((resolve) => setTimeout(resolve, 50))

describe("on a server", () => {
  const scene = () => {
    const { checks, job } = counted()
    const One = () => <b>{usePoll(job, "cat", deadline).phase}</b>
    const Many = () =>
      usePolls(job, ["a", "b"], deadline).map(({ id, phase }) => (
        <i key={id}>
          {id} {phase}
        </i>
      ))
    const Value = () => <b>{useSuspensePoll(job, "cat", deadline)}</b>
    const Query = () => <u>{useQuery(pollQueryOptions(job, "cat", deadline)).status}</u>
    return { checks, job, One, Many, Value, Query }
  }

  it("renderToString - shows idle waits and makes no check", async () => {
    const { checks, Many, One, Query } = scene()
    const html = renderToString(
      <QueryClientProvider client={new QueryClient()}>
        <PollProvider>
          <One />
          <Many />
          <Query />
        </PollProvider>
      </QueryClientProvider>
    )
    assert.strictEqual(html.replaceAll("<!-- -->", ""), "<b>idle</b><i>a idle</i><i>b idle</i><u>pending</u>")
    await later()
    assert.deepStrictEqual(checks, [])
  })

  it("renderToPipeableStream - is complete at once, and makes no check", async () => {
    const { checks, Many, One } = scene()
    const { errors, html } = await streamed(
      <PollProvider>
        <One />
        <Many />
      </PollProvider>
    )
    assert.match(html, /<b>idle<\/b>/)
    assert.deepStrictEqual(errors, [])
    await later()
    assert.deepStrictEqual(checks, [])
  })

  it("useSuspensePoll - renders the fallback, reports a digest to onError, and leaves no stream open", async () => {
    const { checks, Value } = scene()
    const { errors, html } = await streamed(
      <PollProvider>
        <PollBoundary fallback="loading">
          <Value />
        </PollBoundary>
      </PollProvider>
    )
    assert.match(html, /loading/)
    assert.match(html, /data-dgst="EFFECT_POLL_NOT_ON_SERVER"/)
    assert.match(String(errors[0]), /"render" has not ended, so the server renders the fallback/)
    await later()
    assert.deepStrictEqual(checks, [])
  })

  it("a store that is shared by requests - keeps nothing of a request", () => {
    const { job, One } = scene()
    const subscribed: Array<string> = []
    const store: PollStore = {
      entry: (_, key) =>
        ({
          subscribe: () => (subscribed.push(String(key)), () => {}),
          getSnapshot: () => ({ phase: "waiting" }),
          getServerSnapshot: () => ({ phase: "idle" })
        }) as never,
      close: () => Promise.resolve()
    }
    const html = renderToString(
      <PollProvider store={store}>
        <One />
      </PollProvider>
    )
    assert.strictEqual(html, "<b>idle</b>")
    assert.deepStrictEqual(subscribed, [])
    assert.strictEqual(job.name, "render")
  })
})
