import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { type Browser as Playwright, chromium } from "playwright-core"
import * as DevTools from "./DevTools.ts"
import * as Display from "./Display.ts"
import * as Tab from "./Tab.ts"

// Debian's Chromium with windows, under a display of its own.

export interface Browser {
  /** For tests that need nothing but pages. Playwright keeps them visible and focused. */
  readonly playwright: Playwright
  /** Begins a session with storage, cookies and windows of its own. */
  readonly session: () => Promise<Session>
  readonly close: () => Promise<void>
}

export interface Session {
  /** Opens a tab, which hides the one that was opened before it. */
  readonly open: (url: string) => Promise<Tab.Tab>
  readonly close: () => Promise<void>
}

/** Another Chromium than that of Debian can be named, also one that is not there, to see what a machine without it does. */
const executablePath = process.env["EFFECT_POLL_TEST_CHROMIUM"] ?? "/usr/bin/chromium"

/** What a browser needs and this machine lacks. */
export const missing: ReadonlyArray<string> = [
  ...(existsSync(executablePath) ? [] : [executablePath]),
  ...((process.env["PATH"] ?? "").split(delimiter).some((each) => existsSync(join(each, "Xvfb"))) ? [] : ["xvfb"])
]

export const launch = async (): Promise<Browser> => {
  const display = await Display.open()
  const home = mkdtempSync(join(tmpdir(), "effect-poll-browser-"))
  const port = await freePort()
  const playwright = await chromium.launch({
    executablePath,
    headless: false,
    env: { ...process.env, DISPLAY: display.name, HOME: home },
    // With these, timers of hidden tabs are never throttled and no page is kept when the user leaves it.
    ignoreDefaultArgs: [
      "--disable-back-forward-cache",
      "--disable-background-timer-throttling",
      "--disable-renderer-backgrounding",
      "--disable-backgrounding-occluded-windows"
    ],
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      `--remote-debugging-port=${port}`
    ]
  })
  const tools = await DevTools.connect(port)
  return {
    playwright,
    session: async () => {
      const { browserContextId } = await tools.call<{ browserContextId: string }>("Target.createBrowserContext")
      return {
        open: (url) => Tab.open(tools, browserContextId, url),
        close: async () => {
          await tools.call("Target.disposeBrowserContext", { browserContextId })
        }
      }
    },
    close: async () => {
      tools.close()
      await playwright.close()
      await display.close()
      rmSync(home, { recursive: true, force: true, maxRetries: 5 })
    }
  }
}

// ---- internal ----

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
