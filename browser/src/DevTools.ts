// The protocol of Chromium's developer tools. Playwright keeps each page that it opens visible and focused, so the tests
// of hidden, frozen and cached pages open their tabs without it.

export interface DevTools {
  /** Calls a method, of a tab if there is a session. */
  readonly call: <A = unknown>(method: string, params?: object, session?: string) => Promise<A>
  readonly on: (listener: (event: Event) => void) => void
  readonly close: () => void
}

export interface Event {
  readonly method: string
  readonly params: Readonly<Record<string, unknown>>
  readonly sessionId?: string | undefined
}

export const connect = async (port: number): Promise<DevTools> => {
  const socket = new WebSocket(await socketUrl(port))
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve)
    socket.addEventListener("error", () => reject(new Error("the developer tools did not answer")))
  })
  const calls = new Map<number, { readonly method: string; readonly settle: (message: Answer) => void }>()
  const listeners: Array<(event: Event) => void> = []
  let count = 0
  socket.addEventListener("message", ({ data }) => {
    const message = JSON.parse(String(data)) as Answer & Event
    if (message.id === undefined) for (const listener of listeners) listener(message)
    else calls.get(message.id)?.settle(message)
    calls.delete(message.id ?? 0)
  })
  socket.addEventListener("close", () => {
    for (const { settle } of calls.values()) settle({ error: { message: "the browser has closed" } })
  })
  return {
    call: (method, params = {}, sessionId) =>
      new Promise((resolve, reject) => {
        const id = ++count
        calls.set(id, {
          method,
          settle: ({ error, result }) =>
            error === undefined ? resolve(result as never) : reject(new Error(`${method}: ${error.message}`))
        })
        socket.send(JSON.stringify({ id, method, params, sessionId }))
      }),
    on: (listener) => void listeners.push(listener),
    close: () => socket.close()
  }
}

// ---- internal ----

interface Answer {
  readonly id?: number
  readonly result?: unknown
  readonly error?: { readonly message: string }
}

const socketUrl = async (port: number): Promise<string> => {
  const response = await fetch(`http://127.0.0.1:${port}/json/version`)
  return ((await response.json()) as { readonly webSocketDebuggerUrl: string }).webSocketDebuggerUrl
}
