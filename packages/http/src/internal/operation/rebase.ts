import { parseUrl } from "../request/urls.ts"
import { show } from "../validate.ts"

// URLs that name a host which only the server knows, made ones that can be asked.

/** The option `rebase`, as a function. A bad base URL is a RangeError. */
export const rebaser = (
  rebase: string | ((url: string) => string) | undefined
): ((url: string) => string) | undefined => {
  if (rebase === undefined || typeof rebase === "function") return rebase
  const base = parseUrl(rebase)
  if (base === undefined || !/^https?:$/.test(base.protocol) || base.search !== "" || base.hash !== "") {
    throw new RangeError(
      `LongRunning.job: rebase must be a function or a base URL such as "https://api.example.com", got ${show(rebase)}`
    )
  }
  const prefix = base.pathname.replace(/\/+$/, "")
  return (url) => {
    const { hash = "", pathname = "", search = "" } = parseUrl(url) ?? {}
    const isBelow = pathname === prefix || pathname.startsWith(`${prefix}/`)
    return `${base.origin}${isBelow ? "" : prefix}${pathname}${search}${hash}`
  }
}
