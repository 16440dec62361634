// The posts that a receiver gets: honest ones, and those of people without a key.
import * as WebhookSender from "@effect-poll/testing/WebhookSender"
import { Buffer } from "node:buffer"
import { gzipSync } from "node:zlib"
import { randomOf } from "../fleet/virtual.ts"

export interface Plan {
  readonly seed: number
  /** The number of hostile posts. */
  readonly hostile: number
  /** Whether honest senders end the jobs of all keys, three times each. */
  readonly honest: boolean
  readonly keys: Keys
  /** The tokens of the signals, by their keys. */
  readonly tokens: Readonly<Record<string, string>>
}

export interface Keys {
  readonly standard: ReadonlyArray<string>
  readonly github: ReadonlyArray<string>
  readonly signals: ReadonlyArray<string>
}

/** A post, as it is sent to the process of the client. */
export interface Post {
  readonly kind: Honest | Hostile
  readonly key: string
  /** Whether a 2xx is wrong. */
  readonly mustBeRefused: boolean
  readonly method: "POST" | "GET" | "HEAD"
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** In base64. */
  readonly body: string
}

export type Honest = "standard" | "github" | "signal"

/**
 * Kinds of hostile posts, in percent. Whoever sends them may have seen honest requests, but has no key, and no token except
 * a scanner, which only opens links.
 */
const hostileKinds = {
  // Signed by another key.
  forged: 15,
  // Another body under an honest signature.
  tampered: 15,
  // Signed by the right key, an hour ago and in an hour.
  old: 10,
  early: 5,
  // An honest request under another id, where the id is signed and where it is not.
  newId: 10,
  newUnsignedId: 10,
  truncated: 10,
  // An honest body, compressed, and with a header that says so.
  encoded: 5,
  // 200 signatures, none of them right.
  signatures: 2,
  unknownToken: 8,
  // A scanner that opens the link with the token.
  scanned: 5,
  // 300 MB are announced, or come in chunks without a length.
  large: 3,
  // One byte at a time, of the body or of the headers, more slowly than a body may come.
  slow: 2
} as const

export type Hostile = keyof typeof hostileKinds

/** An honest request whose id nobody signed, sent again: it gets a 200, and must do nothing but wake. */
const mayBeAnswered: ReadonlySet<Hostile> = new Set(["newUnsignedId"])

export const secrets = {
  standard: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
  github: "a secret of a repository"
}

export const paths = { standard: "/hooks/renders", github: "/hooks/builds", signals: "/v1/signals" }

/** What an honest sender says about a job, and what the others want to be believed. */
export const honestResult = (key: string): string => `result of ${key}`
export const forgedResult = "forged"

/** All posts of a plan, in a random order that follows from its seed. */
export const postsOf = (plan: Plan, now: number): ReadonlyArray<Post> => {
  const random = randomOf(plan.seed)
  const pick = <A>(all: ReadonlyArray<A>): A => all[Math.floor(random() * all.length)]!
  const { github, signals, standard } = plan.keys
  const honest = [
    ...standard.map((key) => signed("standard", key, honestResult(key), now)),
    ...github.map((key) => signed("github", key, honestResult(key), now)),
    ...signals.map((key) => signal("signal", key, plan.tokens[key]!, honestResult(key)))
  ].map(toSend)
  const table = Object.entries(hostileKinds).flatMap(([kind, percent]) =>
    Array.from({ length: percent }, () => kind as Hostile)
  )
  const hostile = Array.from({ length: plan.hostile }, (_, index): Post => {
    const kind = table[index % table.length]!
    return toSend({ ...hostileOf(kind, index, pick, plan, now), kind, mustBeRefused: !mayBeAnswered.has(kind) })
  })
  return shuffled([...(plan.honest ? [...honest, ...honest, ...honest] : []), ...hostile], random)
}

// ---- internal ----

interface Unsent extends Omit<Post, "body"> {
  readonly body: Uint8Array
}

const toSend = (post: Unsent): Post => ({ ...post, body: Buffer.from(post.body).toString("base64") })

const hour = 3_600_000

const bodyOf = (key: string, result: string): Uint8Array =>
  Buffer.from(JSON.stringify({ id: key, status: "completed", result }))

const schemes = {
  standard: WebhookSender.standard(secrets.standard),
  github: WebhookSender.github(secrets.github)
}

const stranger = WebhookSender.standard("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")

const signed = (
  kind: "standard" | "github",
  key: string,
  result: string,
  at: number,
  scheme: WebhookSender.Scheme = schemes[kind]
): Unsent => {
  const body = bodyOf(key, result)
  return {
    kind,
    key,
    mustBeRefused: false,
    method: "POST",
    path: paths[kind],
    headers: scheme({ id: `msg_${key}`, at, body }),
    body
  }
}

const signal = (kind: Post["kind"], key: string, token: string, result: string): Unsent => ({
  kind,
  key,
  mustBeRefused: false,
  method: "POST",
  path: `${paths.signals}/${token}`,
  headers: {},
  body: Buffer.from(JSON.stringify({ status: "completed", result }))
})

const hostileOf = (
  kind: Hostile,
  index: number,
  pick: <A>(all: ReadonlyArray<A>) => A,
  plan: Plan,
  now: number
): Unsent => {
  const key = pick(plan.keys.standard)
  const honest = signed("standard", key, honestResult(key), now)
  const changed = (headers: Readonly<Record<string, string>>, post: Unsent = honest): Unsent => ({
    ...post,
    headers: { ...post.headers, ...headers }
  })
  switch (kind) {
    case "forged":
      return signed("standard", key, forgedResult, now, stranger)
    case "tampered":
      return { ...honest, body: bodyOf(key, forgedResult) }
    case "old":
      return signed("standard", key, forgedResult, now - hour)
    case "early":
      return signed("standard", key, forgedResult, now + hour)
    case "newId":
      return changed({ "webhook-id": `msg_new_${index}` })
    case "newUnsignedId": {
      const other = pick(plan.keys.github)
      return changed(
        { "x-github-delivery": `new-${plan.seed}-${index}` },
        signed("github", other, honestResult(other), now)
      )
    }
    case "truncated":
      return { ...honest, body: honest.body.slice(0, Math.floor(honest.body.length / 2)) }
    case "encoded":
      return { ...changed({ "content-encoding": "gzip" }), body: gzipSync(honest.body) }
    case "signatures":
      return changed({ "webhook-signature": Array.from({ length: 200 }, (_, n) => `v1,${fake(n)}`).join(" ") })
    case "unknownToken":
      return signal(kind, key, fake(index).replaceAll(/[^A-Za-z0-9]/g, "x"), forgedResult)
    case "scanned": {
      const scanned = pick(plan.keys.signals)
      const post = signal(kind, scanned, plan.tokens[scanned]!, forgedResult)
      return { ...post, method: index % 2 === 0 ? "GET" : "HEAD", body: new Uint8Array() }
    }
    case "large":
    case "slow":
      return honest
  }
}

/** 32 bytes that sign nothing. */
const fake = (index: number): string => Buffer.alloc(32, `fake ${index} `).toString("base64")

/** Fisher and Yates. */
const shuffled = <A>(all: ReadonlyArray<A>, random: () => number): ReadonlyArray<A> => {
  const left = [...all]
  for (let last = left.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    ;[left[last], left[other]] = [left[other]!, left[last]!]
  }
  return left
}
