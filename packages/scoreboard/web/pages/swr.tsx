import useSWR from "swr"
import { ask, type Body, install } from "./subject.tsx"

// As https://swr.vercel.app/docs/revalidation teaches. `dedupingInterval` is 2 seconds by default, which is longer than the
// interval here: polling would be slower than asked for.
install({
  useJob: ({ intervalMillis, isHiddenToo = false, url }) =>
    useSWR<Body>(url, (url) => ask(url), {
      refreshInterval: (latest) => (latest?.state === "done" ? 0 : intervalMillis),
      dedupingInterval: Math.min(2_000, intervalMillis / 2),
      refreshWhenHidden: isHiddenToo
    }).data?.percent
})
