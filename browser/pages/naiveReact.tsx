import * as PageHttp from "@effect-poll/web/PageHttp"
import { type ReactElement, useEffect, useState } from "react"
import type { Body } from "../src/Program.ts"
import { installReact, type ViewProps } from "../src/Views.tsx"

// An effect as it is often written: the cleanup stops the timer, but not a check in flight.
const Naive = ({ intervalMillis, show, url }: ViewProps): ReactElement => {
  const [attempt, setAttempt] = useState(0)
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>
    let count = 0
    const check = async () => {
      const body = (await (await fetch(url, { cache: "no-store" })).json()) as Body
      setAttempt(++count)
      show({ percent: body.percent, attempt: count })
      if (body.state === "done") show({ result: body.result })
      else timer = setTimeout(check, intervalMillis)
    }
    void check()
    return () => clearTimeout(timer)
  }, [intervalMillis, show, url])
  return <p>{attempt}</p>
}

installReact(Naive, PageHttp.layer)
