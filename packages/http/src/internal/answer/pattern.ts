import type { HttpAnswer } from "../../HttpAnswer.ts"

// Whether an answer is as a pattern says.

type Matches = (answer: HttpAnswer) => boolean

/** Tests answers against a pattern. A pattern that is empty, or that cannot match, is a RangeError. */
export const compile = (where: string, pattern: object): Matches => {
  const given = Object.entries(pattern).filter(([, value]) => value !== undefined)
  const fail = (issue: string): never => {
    throw new RangeError(`${where}: pattern ${issue}, got ${show(pattern)}`)
  }
  if (given.length === 0) fail("must have a condition")
  const all = given.map(([name, value]): Matches => {
    switch (name) {
      case "status":
        return statusIn(value, fail)
      case "headers":
        return headersLike(value, fail)
      case "body": {
        const part = unanchored(value)
        return ({ body }) => contains(body, part)
      }
      case "text":
      case "url": {
        const includes = includesIn(name, value, fail)
        return (answer) => includes(answer[name])
      }
      default:
        return fail(`must not have the property ${JSON.stringify(name)}`)
    }
  })
  return (answer) => all.every((matches) => matches(answer))
}

/** A value, for a message. */
export const show = (u: unknown): string =>
  JSON.stringify(u, (_, value: unknown) => (value instanceof RegExp ? String(value) : value)) ?? String(u)

// ---- internal ----

type Fail = (issue: string) => never

const statusIn = (value: unknown, fail: Fail): Matches => {
  const list: ReadonlyArray<unknown> = Array.isArray(value) ? value : [value]
  if (list.length === 0 || !list.every((each) => Number.isInteger(each))) fail("must have integers as status")
  return ({ status }) => list.includes(status)
}

const headersLike = (value: unknown, fail: Fail): Matches => {
  const entries = Object.entries(value as object).map(([name, each]): readonly [string, (text: string) => boolean] => {
    if (typeof each === "string") return [name.toLowerCase(), (text) => text.trim() === each.trim()]
    if (!(each instanceof RegExp)) fail("must have strings or regular expressions as headers")
    const expression = stateless(each)
    return [name.toLowerCase(), (text) => expression.test(text)]
  })
  if (entries.length === 0) fail("must have a header in headers")
  return ({ headers }) =>
    entries.every(([name, matches]) => {
      const text = Object.hasOwn(headers, name) ? headers[name] : undefined
      return text !== undefined && matches(text)
    })
}

const includesIn = (name: string, value: unknown, fail: Fail): ((text: string) => boolean) => {
  if (value instanceof RegExp) {
    const expression = stateless(value)
    return (text) => expression.test(text)
  }
  if (typeof value !== "string" || value === "") fail(`must have a non-empty string or a regular expression as ${name}`)
  return (text) => text.includes(value)
}

/** A regular expression that forgets where it matched: one with the flag g or y would match every second answer. */
const stateless = (expression: RegExp): RegExp => new RegExp(expression.source, expression.flags.replace(/[gy]/g, ""))

/** The pattern of a body, with regular expressions that have no state. */
const unanchored = (part: unknown): unknown => {
  if (part instanceof RegExp) return stateless(part)
  if (Array.isArray(part)) return part.map(unanchored)
  if (typeof part !== "object" || part === null) return part
  return Object.fromEntries(Object.entries(part).map(([name, value]) => [name, unanchored(value)]))
}

const contains = (whole: unknown, part: unknown): boolean => {
  if (typeof part !== "object" || part === null) return whole === part || Object.is(whole, part)
  if (part instanceof RegExp) return typeof whole === "string" && part.test(whole)
  if (Array.isArray(part)) {
    return Array.isArray(whole) && part.every((each) => whole.some((element) => contains(element, each)))
  }
  if (typeof whole !== "object" || whole === null || Array.isArray(whole)) return false
  return Object.entries(part).every(
    ([name, value]) => Object.hasOwn(whole, name) && contains((whole as Record<string, unknown>)[name], value)
  )
}
