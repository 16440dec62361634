import { useEffect, useState } from "react"
import { type Body, install } from "../../web/pages/subject.tsx"

// A page with each fault that the board has to show: its loops are not stopped, not even by the end of the job, and each of
// its requests has a header for which a browser asks for permission.
install({
  useJob: ({ intervalMillis, url }) => {
    const [percent, setPercent] = useState<number>()
    useEffect(() => {
      const check = async () => {
        const response = await fetch(url, { cache: "no-store", headers: { traceparent: "00-1-1-01" } })
        setPercent(((await response.json()) as Body).percent)
        setTimeout(check, intervalMillis)
      }
      void check()
    }, [url, intervalMillis])
    return percent
  }
})
