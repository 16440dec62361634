import { type MouseEvent, type ReactNode, useSyncExternalStore } from "react"

/** The page that the address names, such as `package`, and what follows it. The first page is the empty text. */
export const useRoute = (): { readonly page: string; readonly id: string | undefined } => {
  const [page = "", id] = useSyncExternalStore(subscribe, () => location.pathname)
    .split("/")
    .filter(Boolean)
  return { page, id }
}

/** Shows another page without loading it. */
export const goTo = (path: string): void => {
  history.pushState(null, "", path)
  dispatchEvent(new PopStateEvent("popstate"))
}

export const Link = ({ children, isCurrent, to }: { to: string; isCurrent: boolean; children: ReactNode }) => {
  const follow = (event: MouseEvent) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return
    event.preventDefault()
    goTo(to)
  }
  return (
    <a href={to} onClick={follow} aria-current={isCurrent ? "page" : undefined}>
      {children}
    </a>
  )
}

// ---- internal ----

const subscribe = (listener: () => void) => {
  addEventListener("popstate", listener)
  return () => removeEventListener("popstate", listener)
}
