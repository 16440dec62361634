import { performance } from "node:perf_hooks"
import { setTimeout as sleep } from "node:timers/promises"
import type { DevTools } from "./DevTools.ts"

// A tab as a user has it: it is hidden while another one is shown.

export interface Tab {
  /** The URL that it was opened with. */
  readonly url: string
  readonly goto: (url: string) => Promise<void>
  /** Calls a function in the page. It is sent as text, so it uses nothing but its arguments, which are JSON. */
  readonly run: <A, Args extends ReadonlyArray<unknown>>(f: (...args: Args) => A, ...args: Args) => Promise<Awaited<A>>
  /** Waits until a function in the page yields something truthy, for at most a minute. */
  readonly until: <A, Args extends ReadonlyArray<unknown>>(
    f: (...args: Args) => A,
    ...args: Args
  ) => Promise<Awaited<A>>
  /** Shows this tab, which hides the one that its window shows. */
  readonly show: () => Promise<void>
  /** Hides this tab, by showing an empty one in its window. */
  readonly hide: () => Promise<void>
  /** Freezes the page: it runs nothing until `thaw`. Only a hidden page is frozen. */
  readonly freeze: () => Promise<void>
  readonly thaw: () => Promise<void>
  readonly setOffline: (offline: boolean) => Promise<void>
  /** Goes back one page. Yields whether the page came out of the back/forward cache, as its `pageshow` event says. */
  readonly back: () => Promise<boolean>
  /** The bytes that live objects use, after a collection. */
  readonly usedHeap: () => Promise<number>
  /** What the page wrote to its console, and the errors that it did not catch. */
  readonly messages: ReadonlyArray<string>
  readonly close: () => Promise<void>
}

/** Opens a tab in a window. The window is that of the last tab of the same context. */
export const open = async (tools: DevTools, browserContextId: string, url = "about:blank"): Promise<Tab> => {
  const attach = async (): Promise<{ readonly target: string; readonly session: string }> => {
    const { targetId: target } = await tools.call<{ targetId: string }>("Target.createTarget", {
      browserContextId,
      url: "about:blank"
    })
    const { sessionId: session } = await tools.call<{ sessionId: string }>("Target.attachToTarget", {
      targetId: target,
      flatten: true
    })
    return { target, session }
  }
  const { session, target } = await attach()
  const call = <A>(method: string, params?: object): Promise<A> => tools.call<A>(method, params, session)
  const messages: Array<string> = []
  tools.on((event) => {
    if (event.sessionId === session) messages.push(...messagesOf(event))
  })
  await call("Page.enable")
  await call("Runtime.enable")
  await call("Network.enable")
  await call("Page.addScriptToEvaluateOnNewDocument", { source: `(${remember.toString()})()` })

  let cover: string | undefined

  const run: Tab["run"] = async (f, ...args) => {
    const { exceptionDetails, result } = await call<Evaluated>("Runtime.evaluate", {
      expression: `(${f.toString()})(...${JSON.stringify(args)})`,
      awaitPromise: true,
      returnByValue: true
    })
    if (exceptionDetails !== undefined) {
      throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
    }
    return result.value as never
  }
  const until: Tab["until"] = async (f, ...args) => {
    const end = performance.now() + 60_000
    while (performance.now() < end) {
      // A page that is being replaced cannot answer.
      const found = await run(f, ...args).catch((error: Error) => {
        if (!/context|navigat/i.test(error.message)) throw error
      })
      if (found) return found
      await sleep(50)
    }
    throw new Error(`the page did not come to: ${f.toString()}\n${messages.join("\n")}`)
  }
  const visible = (): boolean => document.visibilityState === "visible"
  const hidden = (): boolean => document.visibilityState === "hidden"
  const show = async () => {
    await tools.call("Target.activateTarget", { targetId: target })
    await until(visible)
  }
  /** Waits for the next page: asking one that goes to the back/forward cache anything drops it from there. */
  const afterNavigation = async (begin: () => Promise<unknown>) => {
    const navigated = new Promise<void>((resolve) => {
      tools.on(({ method, params, sessionId }) => {
        const frame = params["frame"] as { readonly parentId?: string } | undefined
        if (sessionId === session && method === "Page.frameNavigated" && frame?.parentId === undefined) resolve()
      })
    })
    await begin()
    await navigated
  }
  const goto = async (url: string) => {
    await afterNavigation(() => call("Page.navigate", { url }))
    await until((url) => location.href === url && document.readyState === "complete", url)
  }
  await goto(url)

  return {
    url,
    goto,
    run,
    until,
    show,
    messages,
    hide: async () => {
      if (cover === undefined) cover = (await attach()).target
      else await tools.call("Target.activateTarget", { targetId: cover })
      await until(hidden)
    },
    freeze: async () => {
      await call("Page.setWebLifecycleState", { state: "frozen" })
      await until(() => lifeEvents.findLast(({ type }) => type === "freeze" || type === "resume")?.type === "freeze")
    },
    thaw: async () => {
      await call("Page.setWebLifecycleState", { state: "active" })
      await until(() => lifeEvents.findLast(({ type }) => type === "freeze" || type === "resume")?.type === "resume")
    },
    setOffline: async (offline) => {
      await call("Network.emulateNetworkConditions", {
        offline,
        latency: 0,
        downloadThroughput: -1,
        uploadThroughput: -1
      })
      await until((offline) => navigator.onLine === !offline, offline)
    },
    back: async () => {
      const { currentIndex, entries } = await call<Visited>("Page.getNavigationHistory")
      const { id, url } = entries[currentIndex - 1]!
      await afterNavigation(() => call("Page.navigateToHistoryEntry", { entryId: id }))
      await until((url) => location.href === url && document.readyState === "complete", url)
      const shown = await until(() => {
        const last = lifeEvents.findLast(({ type }) => type === "pageshow" || type === "pagehide")
        return last?.type === "pageshow" && last
      })
      return shown !== false && shown.persisted
    },
    usedHeap: async () => {
      await call("HeapProfiler.collectGarbage")
      await call("HeapProfiler.collectGarbage")
      return (await call<{ usedSize: number }>("Runtime.getHeapUsage")).usedSize
    },
    close: async () => {
      for (const each of [cover, target]) {
        if (each !== undefined) await tools.call("Target.closeTarget", { targetId: each })
      }
    }
  }
}

declare global {
  /** The events of the life of a page, in order, from its start. */
  // oxlint-disable-next-line no-var
  var lifeEvents: Array<{ readonly type: string; readonly persisted: boolean }>
}

// ---- internal ----

interface Evaluated {
  readonly result: { readonly value?: unknown }
  readonly exceptionDetails?: { readonly text: string; readonly exception?: { readonly description?: string } }
}

interface Visited {
  readonly currentIndex: number
  readonly entries: ReadonlyArray<{ readonly id: number; readonly url: string }>
}

/** Runs in the page before anything of its own. */
const remember = (): void => {
  globalThis.lifeEvents = []
  const note = (event: globalThis.Event) =>
    void lifeEvents.push({ type: event.type, persisted: (event as PageTransitionEvent).persisted })
  for (const type of ["visibilitychange", "freeze", "resume"]) document.addEventListener(type, note, true)
  for (const type of ["pagehide", "pageshow", "online", "offline"]) addEventListener(type, note, true)
}

const messagesOf = ({ method, params }: { method: string; params: Readonly<Record<string, unknown>> }) => {
  if (method === "Runtime.exceptionThrown") {
    const { exception, text } = params["exceptionDetails"] as NonNullable<Evaluated["exceptionDetails"]>
    return [`uncaught: ${exception?.description ?? text}`]
  }
  if (method === "Page.backForwardCacheNotUsed") {
    const reasons = params["notRestoredExplanations"] as ReadonlyArray<{
      readonly type: string
      readonly reason: string
    }>
    return [`not cached: ${reasons.map(({ reason, type }) => `${reason} (${type})`).join(", ")}`]
  }
  if (method !== "Runtime.consoleAPICalled") return []
  const args = params["args"] as ReadonlyArray<{ readonly value?: unknown; readonly description?: string }>
  return [`${String(params["type"])}: ${args.map((each) => each.description ?? JSON.stringify(each.value)).join(" ")}`]
}
