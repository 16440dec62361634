// @vitest-environment jsdom
import { transformAsync } from "@babel/core"
import { assert, describe, it } from "@effect/vitest"
import { act, cleanup, render } from "@testing-library/react"
import * as React from "react"
import * as compilerRuntime from "react/compiler-runtime"
import { afterEach, beforeEach, vi } from "vitest"
import * as hooks from "@effect-poll/react"
import { counted } from "./support.ts"

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000, toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"] })
})
afterEach(async () => {
  cleanup()
  await vi.advanceTimersByTimeAsync(1_000)
  vi.useRealTimers()
})

const pass = (millis: number) =>
  act(async () => {
    await vi.advanceTimersByTimeAsync(millis)
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
    await vi.advanceTimersByTimeAsync(17)
  })

const source = `
import { usePoll, usePolls } from "@effect-poll/react"
import { createElement as h } from "react"

export function Badge({ job, id }) {
  const poll = usePoll(job, id, { deadline: "1 hour", checkErrors: { maxConsecutive: 3 } })
  const { cancel, phase } = poll
  return h("button", { onClick: () => cancel() }, phase + poll.attempt)
}

export function List({ job, ids }) {
  const rows = usePolls(job, ids.map((id) => id), { deadline: "1 hour" })
  return h("ul", {}, rows.map((row) => h("li", { key: row.id }, row.id + row.attempt)))
}
`

type Components = Record<"Badge" | "List", React.FunctionComponent<Record<string, unknown>>>

/** The components as a page of the React Compiler has them. */
const compiled = async (): Promise<Components> => {
  const memoized = await transformAsync(source, {
    filename: "page.js",
    babelrc: false,
    configFile: false,
    plugins: [["babel-plugin-react-compiler", { panicThreshold: "all_errors" }]]
  })
  const code = memoized!.code!
  assert.strictEqual(code.match(/= _c\(\d+\)/g)?.length, 2)
  const modules: Record<string, unknown> = {
    react: React,
    "react/compiler-runtime": compilerRuntime,
    "@effect-poll/react": hooks
  }
  const script = code
    .replace(/import \{(.*?)\} from (".*?")/g, (_, names: string, from: string) => {
      return `const {${names.replaceAll(" as ", ": ")}} = modules[${from}]`
    })
    .replaceAll("export function", "function")
  // oxlint-disable-next-line typescript/no-implied-eval
  return new Function("modules", `${script}\nreturn { Badge, List }`)(modules) as Components
}

describe("React Compiler", () => {
  it("compiled components - show each change, and are one loop", async () => {
    const { Badge, List } = await compiled()
    const { checks, job } = counted()
    const app = () => (
      <React.StrictMode>
        <hooks.PollProvider>
          <Badge job={job} id="a" />
          <List job={job} ids={["a", "b"]} />
        </hooks.PollProvider>
      </React.StrictMode>
    )
    let page: ReturnType<typeof render> | undefined
    await act(async () => void (page = render(app())))
    await pass(0)
    assert.strictEqual(page!.container.textContent, "waiting1a1b1")
    await act(async () => page!.rerender(app()))
    await pass(2_000)
    assert.strictEqual(page!.container.textContent, "waiting2a2b2")
    assert.deepStrictEqual(checks.toSorted(), ["a", "a", "b", "b"])
    await act(async () => page!.container.querySelector("button")!.click())
    await pass(2_000)
    assert.strictEqual(page!.container.textContent, "ended3a3b3")
  })
})
