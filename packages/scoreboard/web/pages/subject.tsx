import { type ComponentType, memo, type ReactNode, StrictMode, useState } from "react"
import { flushSync } from "react-dom"
import { createRoot } from "react-dom/client"

// What each page of the board does, whatever it is made with.

/** A job to follow, and how. */
export interface Watch {
  readonly url: string
  /** The delay between two checks. */
  readonly intervalMillis: number
  /** Whether a hidden page goes on. Default: what the library does. */
  readonly isHiddenToo?: boolean
}

/** The body of an answer about a job. */
export interface Body {
  readonly state: "running" | "done"
  readonly percent: number
}

/** A library, used as its documentation teaches. */
export interface Subject {
  /** What has to be above the components. */
  readonly Provider?: ComponentType<{ readonly children: ReactNode }>
  /** What has to be above the list of many jobs, if that is something else. */
  readonly ManyProvider?: ComponentType<{ readonly children: ReactNode }>
  /** Follows a job until it is done, and yields its percentage. */
  readonly useJob: (watch: Watch) => number | undefined
  /** Follows a job that is answered in the page. Default: `useJob`. */
  readonly useAnswered?: (watch: Watch) => number | undefined
  /** Follows many jobs that are answered in the page, if the library has a hook for that. */
  readonly useMany?: (urls: ReadonlyArray<string>, intervalMillis: number) => ReadonlyArray<number | undefined>
}

/** Asks about a job. Requests for one URL would wait for each other in the cache, which would hide how many there are. */
export const ask = async (url: string, signal?: AbortSignal): Promise<Body> => {
  if (url.startsWith("page:")) return answered()
  const response = await fetch(url, signal === undefined ? { cache: "no-store" } : { cache: "no-store", signal })
  return (await response.json()) as Body
}

/** Answers without a network: 50 at a time, each lot in a task of its own. */
export const answered = (): Promise<Body> =>
  new Promise((resolve) => {
    waiting.push(resolve)
    if (waiting.length === 1) channel.port2.postMessage(null)
  })

const waiting: Array<(body: Body) => void> = []
const channel = new MessageChannel()
channel.port1.addEventListener("message", () => {
  for (const resolve of waiting.splice(0, 50)) resolve({ state: "running", percent: 40 })
  if (waiting.length > 0) channel.port2.postMessage(null)
})
channel.port1.start()

declare global {
  // oxlint-disable-next-line no-var
  var board: {
    /** Shows a job in as many components. */
    readonly show: (watch: Watch, components: number) => void
    readonly leave: () => void
    /** The percentages that the components show. */
    readonly shown: () => ReadonlyArray<string>
    /** Shows as many jobs in a list, waits until each has its first answer, and renders the list once more. */
    readonly many: (count: number) => Promise<void>
  }
}

export const install = ({ ManyProvider, Provider = Bare, useAnswered, useJob, useMany }: Subject): void => {
  const root = createRoot(document.querySelector("#root")!)
  const query = new URLSearchParams(location.search)
  const isStrict = query.has("strict")
  const Many = ManyProvider ?? Provider
  const useEach = useAnswered ?? useJob

  const View = ({ watch }: { readonly watch: Watch }) => <li>{useJob(watch)}</li>

  let left = 0
  let settle = () => {}
  const Row = memo(({ percent }: { readonly percent: number | undefined }) => {
    if (percent !== undefined && --left === 0) settle()
    return <li>{percent}</li>
  })
  const Each = ({ url }: { readonly url: string }) => <Row percent={useEach({ url, intervalMillis: 60_000 })} />

  let renderAgain = () => {}
  const useAgain = () => {
    const [, set] = useState(0)
    renderAgain = () => flushSync(() => set((count) => count + 1))
  }
  const WithHook = ({ urls }: { readonly urls: ReadonlyArray<string> }) => {
    useAgain()
    return useMany!(urls, 60_000).map((percent, at) => <Row key={urls[at]} percent={percent} />)
  }
  const WithComponents = ({ urls }: { readonly urls: ReadonlyArray<string> }) => {
    useAgain()
    return urls.map((url) => <Each key={url} url={url} />)
  }
  const List = useMany === undefined || query.has("each") ? WithComponents : WithHook

  const render = (children: ReactNode) =>
    flushSync(() => root.render(isStrict ? <StrictMode>{children}</StrictMode> : children))
  globalThis.board = {
    show: (watch, components) =>
      render(
        <Provider>
          {Array.from({ length: components }, (_, at) => (
            <View key={at} watch={watch} />
          ))}
        </Provider>
      ),
    leave: () => render(<Provider>{null}</Provider>),
    shown: () => Array.from(document.querySelectorAll("li"), ({ textContent }) => textContent),
    many: async (count) => {
      const urls = Array.from({ length: count }, (_, at) => `page:${at}`)
      left = count
      const all = new Promise<void>((resolve) => (settle = resolve))
      render(
        <Many>
          <List urls={urls} />
        </Many>
      )
      await all
      renderAgain()
    }
  }
}

// ---- internal ----

const Bare = ({ children }: { readonly children: ReactNode }) => children
