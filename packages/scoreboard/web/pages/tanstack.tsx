import { QueryClient, QueryClientProvider, queryOptions, useQueries, useQuery } from "@tanstack/react-query"
import { ask, install } from "./subject.tsx"

// As https://tanstack.com/query/latest/docs/framework/react/guides/polling teaches.

const client = new QueryClient()

const optionsOf = (url: string, intervalMillis: number) =>
  queryOptions({
    queryKey: ["job", url],
    queryFn: ({ signal }) => ask(url, signal),
    refetchInterval: (query) => (query.state.data?.state === "done" ? false : intervalMillis)
  })

install({
  Provider: ({ children }) => <QueryClientProvider client={client}>{children}</QueryClientProvider>,
  useJob: ({ intervalMillis, isHiddenToo = false, url }) =>
    useQuery({ ...optionsOf(url, intervalMillis), refetchIntervalInBackground: isHiddenToo }).data?.percent,
  useMany: (urls, intervalMillis) =>
    useQueries({ queries: urls.map((url) => optionsOf(url, intervalMillis)) }).map(({ data }) => data?.percent)
})
