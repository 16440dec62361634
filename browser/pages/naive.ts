import { type Body, install } from "../src/Program.ts"

// A loop as it is often written: the cleanup stops the timer, but not a check in flight. It shows that the rows can fail.
// It bypasses the cache, since requests that wait for each other there would hide how many loops there are.
install(({ deadlineMillis = 600_000, intervalMillis, url }, show) => {
  const deadline = Date.now() + deadlineMillis
  let timer: ReturnType<typeof setTimeout>
  let attempt = 0
  const check = async () => {
    if (Date.now() > deadline) return show({ error: "PollTimeout" })
    const body = (await (await fetch(url, { cache: "no-store" })).json()) as Body
    show({ percent: body.percent, attempt: ++attempt })
    if (body.state === "done") show({ result: body.result })
    else timer = setTimeout(check, intervalMillis)
  }
  void check()
  return () => clearTimeout(timer)
})
