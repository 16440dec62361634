import * as PollHooks from "@effect-poll/react/PollHooks"
import * as Seed from "@effect-poll/web/Seed"
import type * as HttpClient from "effect/http/HttpClient"
import type * as Layer from "effect/Layer"
import { type ComponentType, type ReactElement, StrictMode, useEffect } from "react"
import { flushSync } from "react-dom"
import { createRoot } from "react-dom/client"
import { ByUrl, optionsOf, shownOf } from "./ByUrl.ts"
import { install, type Shown, type Watch } from "./Program.ts"

// Views made with React, in StrictMode.

const { PollProvider, usePoll } = PollHooks.make<HttpClient.HttpClient>()

/** A view of a job, and whom it tells what it shows. */
export interface ViewProps extends Watch {
  readonly show: (found: Partial<Shown>) => void
}

/** A view with the hook. */
export const View = ({ deadlineMillis, hidden, intervalMillis, show, url }: ViewProps): ReactElement => {
  const poll = usePoll(ByUrl, url, optionsOf({ deadlineMillis, hidden, intervalMillis }))
  useEffect(() => show(shownOf(poll)), [poll, show])
  return <p>{`${poll.phase} ${poll.attempt}`}</p>
}

/** Makes a page whose views are components: a view that leaves is unmounted. */
export const installReact = (Each: ComponentType<ViewProps>, client: Layer.Layer<HttpClient.HttpClient>): void => {
  const root = createRoot(document.querySelector("#root")!)
  const views = new Map<number, ViewProps>()
  let count = 0
  const render = () => {
    const shown = [...views].map(([id, props]) => <Each key={id} {...props} />)
    flushSync(() =>
      root.render(
        <StrictMode>
          <PollProvider layer={client} slowInterval="3 seconds">
            {shown}
          </PollProvider>
        </StrictMode>
      )
    )
  }
  install((watch, show) => {
    const id = count++
    views.set(id, { ...watch, show })
    render()
    return () => {
      if (views.delete(id)) render()
    }
  })
}

/** What a server and the page render alike. */
export interface RenderedProps {
  readonly url: string
  readonly seed?: Seed.Encoded | undefined
  readonly client: Layer.Layer<HttpClient.HttpClient>
}

/** How often a rendered page checks: so seldom that it shows what it does at once. */
export const rendered = optionsOf({ deadlineMillis: 600_000, intervalMillis: 300_000 })

export const Rendered = ({ client, seed, url }: RenderedProps): ReactElement => (
  <StrictMode>
    <PollProvider layer={client}>
      <Report url={url} seed={seed} />
    </PollProvider>
  </StrictMode>
)

// ---- internal ----

const Report = ({ seed, url }: Omit<RenderedProps, "client">): ReactElement => {
  const { attempt, checkNow, outcome, phase } = usePoll(ByUrl, url, { ...rendered, seed: Seed.read(ByUrl, seed) })
  return <button onClick={checkNow}>{outcome?._tag === "Success" ? outcome.value : `${phase} ${attempt}`}</button>
}
