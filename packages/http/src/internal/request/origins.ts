import * as Headers from "effect/http/Headers"
import * as Result from "effect/Result"
import type { Refused } from "../../HttpCheckError.ts"
import type { AllowedOrigins } from "../../RequestOptions.ts"
import { type ParsedUrl, parseUrl, safeUrl } from "./urls.ts"
import * as validate from "../validate.ts"

// Which URLs of a server are asked, and which headers they are sent: the one place that decides it.

/** What `allowedOrigins` and `secretHeaders` say. */
export interface OriginRule {
  readonly any: boolean
  /** Origins, as the URL parser writes them. */
  readonly listed: ReadonlySet<string>
  /** Names of headers, in lower case. */
  readonly secretHeaders: ReadonlySet<string>
}

/** Checks the options; a RangeError names what is wrong with them. */
export const make = (
  name: string,
  options?: {
    readonly allowedOrigins?: AllowedOrigins | undefined
    readonly secretHeaders?: ReadonlyArray<string> | undefined
  }
): OriginRule => {
  const allowed = options?.allowedOrigins ?? "same"
  const list = allowed === "same" || allowed === "any" ? [] : allowed
  if (!Array.isArray(list)) {
    throw new RangeError(
      `${name}: allowedOrigins must be "same", "any" or a list of origins, got ${validate.show(allowed)}`
    )
  }
  const secret = options?.secretHeaders ?? []
  if (!Array.isArray(secret)) {
    throw new RangeError(`${name}: secretHeaders must be a list of names, got ${validate.show(secret)}`)
  }
  return {
    any: allowed === "any",
    listed: listed(`${name}: allowedOrigins`, list),
    secretHeaders: new Set(
      secret.map((entry: string) => validate.nonEmpty(`${name}: secretHeaders`, entry).trim().toLowerCase())
    )
  }
}

/** Origins, as the URL parser writes them; a RangeError names the option and the entry that is none. */
export const listed = (option: string, entries: ReadonlyArray<string>): ReadonlySet<string> =>
  new Set(entries.map((entry) => listedOrigin(option, entry)))

/**
 * Applies the rule to a URL that a server named. `home` is the URL of the first request, `from` the one whose answer
 * named it, which a relative URL is relative to.
 */
export const follow = (
  rule: OriginRule,
  home: ParsedUrl,
  from: ParsedUrl,
  named: string
): Result.Result<ParsedUrl, Refused> => {
  const url = parseUrl(named, from.href)
  if (url === undefined) return refuse("url", named)
  if (url.protocol !== "http:" && url.protocol !== "https:") return refuse("scheme", named)
  if (url.protocol === "http:" && (home.protocol === "https:" || from.protocol === "https:")) {
    return refuse("https", url.href)
  }
  if ((url.username !== "" || url.password !== "") && !sameUser(url, from)) return refuse("userinfo", url.href)
  if (url.origin === home.origin || rule.listed.has(url.origin)) return Result.succeed(url)
  if (isPrivateHost(url.hostname)) return refuse("private", url.href)
  return rule.any ? Result.succeed(url) : refuse("origin", url.href)
}

/** The headers without those that are credentials. */
export const withoutCredentials = (rule: OriginRule, headers: Headers.Headers): Headers.Headers =>
  Headers.removeMany(
    headers,
    Object.keys(headers).filter((name) => isCredential(name) || rule.secretHeaders.has(name))
  )

/** Tests a host, as the URL parser writes it, for one that only a private network or this machine knows. */
export const isPrivateHost = (hostname: string): boolean => {
  const host = hostname.replace(/\.+$/, "")
  if (host.startsWith("[")) return isPrivateV6(hextets(host.slice(1, -1)))
  const v4 = /^(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(host)
  return v4 === null
    ? // A name of one label is completed by the search list of the machine, and never public.
      !host.includes(".") ||
        /\.(?:localhost|local|localdomain|internal|intranet|svc|lan|corp|home|home\.arpa)$/.test(host)
    : isPrivateV4(v4.slice(1).map(Number))
}

// ---- internal ----

const refuse = (rule: Refused["rule"], url: string): Result.Result<never, Refused> =>
  Result.fail({ _tag: "Refused", rule, url: safeUrl(url) })

const sameUser = (url: ParsedUrl, from: ParsedUrl): boolean =>
  url.origin === from.origin && url.username === from.username && url.password === from.password

const listedOrigin = (option: string, entry: string): string => {
  const url = typeof entry === "string" && !entry.includes("*") ? parseUrl(entry) : undefined
  if (
    url === undefined ||
    (url.protocol !== "https:" && url.protocol !== "http:") ||
    url.pathname !== "/" ||
    /[?#@\\]/.test(entry)
  ) {
    throw new RangeError(
      `${option} must hold origins such as "https://api.example.com", got ${validate.show(
        url === undefined ? entry : safeUrl(entry)
      )}`
    )
  }
  return url.origin
}

/** Words in the names of headers that hold credentials. */
const credential =
  /auth|token|cookie|secret|session|credential|passw|passphrase|signature|apikey|jwt|csrf|xsrf|(?:^|-)(?:key|sig|sid|pat)(?:-|$)/

const isCredential = (name: string): boolean =>
  name !== "idempotency-key" && name !== "x-idempotency-key" && name !== "www-authenticate" && credential.test(name)

const isPrivateV4 = ([a = 0, b = 0, c = 0]: ReadonlyArray<number>): boolean =>
  a === 0 || // this network
  a === 10 ||
  a === 127 ||
  (a === 100 && b >= 64 && b <= 127) || // shared by carriers
  (a === 169 && b === 254) || // link-local, and the metadata of clouds
  (a === 172 && b >= 16 && b <= 31) ||
  (a === 192 && (b === 168 || (b === 0 && c === 0))) ||
  (a === 198 && (b === 18 || b === 19)) || // benchmarks
  a >= 224 // multicast, reserved, broadcast

const isPrivateV6 = (address: ReadonlyArray<number>): boolean => {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = address
  const v4 = (high: number, low: number) => isPrivateV4([high >> 8, high & 255, low >> 8, low & 255])
  if (a === 0) {
    // Two ways to write an IPv4 address (::ffff:a.b.c.d, ::ffff:0:a.b.c.d); the rest is loopback or reserved.
    const embeds = b === 0 && c === 0 && d === 0 && ((e === 0 && f === 0xffff) || (e === 0xffff && f === 0))
    return embeds ? v4(g, h) : true
  }
  return (
    (a & 0xfe00) === 0xfc00 || // unique local
    (a & 0xff80) === 0xfe80 || // link-local and site-local
    (a & 0xff00) === 0xff00 || // multicast
    (a === 0x64 && b === 0xff9b && (c === 1 || v4(g, h))) || // translated to IPv4
    (a === 0x2002 && v4(b, c)) || // 6to4
    (a === 0x2001 && b === 0) || // Teredo
    (a === 0x100 && b === 0 && c === 0) // discarded
  )
}

/** The eight numbers of an IPv6 address, as the URL parser writes it. */
const hextets = (address: string): ReadonlyArray<number> => {
  const [head = "", tail] = address.split("::")
  const numbers = (part: string): Array<number> =>
    part === "" ? [] : part.split(":").map((each) => Number.parseInt(each, 16))
  const front = numbers(head)
  if (tail === undefined) return front
  const back = numbers(tail)
  return [...front, ...Array.from({ length: 8 - front.length - back.length }, () => 0), ...back]
}
