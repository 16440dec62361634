import { useEffect, useState } from "react"
import { ask, install } from "./subject.tsx"

// A loop as it is often written: the cleanup stops the timer, but not a check in flight.
install({
  useJob: ({ intervalMillis, url }) => {
    const [percent, setPercent] = useState<number>()
    useEffect(() => {
      let timer: ReturnType<typeof setTimeout>
      const check = async () => {
        const body = await ask(url)
        setPercent(body.percent)
        if (body.state !== "done") timer = setTimeout(check, intervalMillis)
      }
      void check()
      return () => clearTimeout(timer)
    }, [url, intervalMillis])
    return percent
  }
})
