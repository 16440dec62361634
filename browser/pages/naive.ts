import { type Body, install } from "../src/Program.ts"

// A loop as it is often written. It shows that the rows can fail.
install(({ deadlineMillis = 60_000, intervalMillis, url }, show) => {
  const deadline = Date.now() + deadlineMillis
  let stopped = false
  let attempt = 0
  const check = async () => {
    if (Date.now() > deadline) return show({ error: "PollTimeout" })
    const body = (await (await fetch(url)).json()) as Body
    show({ percent: body.percent, attempt: ++attempt })
    if (body.state === "done") show({ result: body.result })
    else if (!stopped) setTimeout(check, intervalMillis)
  }
  void check()
  return () => {
    stopped = true
  }
})
