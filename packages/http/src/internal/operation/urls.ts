import { isReadonlyObject } from "effect/Predicate"
import type { OperationAnswer } from "../../LongRunningReading.ts"
import { at } from "../json.ts"
import { plain } from "./stateWords.ts"
import { parseUrl } from "../request/urls.ts"

// Where an answer says that its operation is.

/** The whole URL that a reference in an answer stands for; undefined if it is none that can be asked. */
export const resolve = (reference: unknown, base: string): string | undefined => {
  if (typeof reference !== "string" || reference.trim() === "" || reference.length > maxLength) return undefined
  const resolved = parseUrl(reference.trim(), base)
  return resolved !== undefined && /^https?:$/.test(resolved.protocol) ? resolved.href : undefined
}

/** The URL in a header of an answer. */
export const urlIn = (answer: OperationAnswer, header: string): string | undefined =>
  resolve(answer.headers[header], answer.url)

/** The URL of a status monitor, by the headers that only operations have. */
export const headerUrl = (answer: OperationAnswer): string | undefined =>
  urlIn(answer, "operation-location") ?? urlIn(answer, "azure-asyncoperation")

/** The URL of a status monitor, by what the option `checkUrl` says, by such a header, or by a field of the body. */
export const namedUrl = (answer: OperationAnswer): string | undefined =>
  answer.checkUrl ?? headerUrl(answer) ?? monitorUrl(answer)

/** The URL that a body names for checks, in a field that only operations have. */
export const monitorUrl = ({ body, url }: OperationAnswer): string | undefined => {
  if (!isReadonlyObject(body)) return undefined
  const records = [body, ...holders.map((name) => body[name])].filter(isReadonlyObject)
  const links = records.flatMap((record) => ["links", "_links", "urls"].map((name) => record[name]))
  const found = urlAt(records, monitorFields, url) ?? urlAt(links.filter(isReadonlyObject), linkNames, url)
  if (found !== undefined) return found
  const self = resolve(at(body, "selfLink"), url)
  return self !== undefined && /\/operations\/[^/]/.test(self) ? self : undefined
}

/** The URL of the resource that a body is about, which is its operation only if something else shows that it is one. */
export const selfUrl = ({ body, url }: OperationAnswer): string | undefined => {
  for (const holder of [body, ...holders.map((name) => at(body, name))]) {
    for (const path of selfPaths) {
      const found = resolve(reference(at(holder, ...path)), url)
      if (found !== undefined) return found
    }
    const listed = linked(at(holder, "links"), url)
    if (listed !== undefined) return listed
  }
  return undefined
}

/** Where to check the operation of a first answer, once it is known to be one. */
export const checkUrlOf = (answer: OperationAnswer): string | undefined =>
  acceptedUrl(answer) ?? (["GET", "HEAD", "PUT", "PATCH"].includes(answer.method) ? answer.url : undefined)

/** Where an answer says that an operation is, which may not be followed: for its error. */
export const acceptedUrl = (answer: OperationAnswer): string | undefined =>
  answer.checkUrl ??
  headerUrl(answer) ??
  urlIn(answer, "location") ??
  monitorUrl(answer) ??
  urlIn(answer, "content-location") ??
  selfUrl(answer)

// ---- internal ----

/** The longest reference that is read. */
const maxLength = 8192

/** The fields that hold the record of an operation, with links of its own. */
const holders = ["data", "operation", "job", "task", "properties", "metadata"]

/** The links of a record to itself. */
const selfPaths: ReadonlyArray<ReadonlyArray<string>> = [
  ["selfLink"],
  ["links", "self"],
  ["_links", "self"],
  ["urls", "get"],
  ["urls", "self"],
  ["links", "get"],
  ["self"],
  ["href"],
  ["uri"],
  ["url"]
]

/** The first URL in a field of one of these names. */
const urlAt = (
  records: ReadonlyArray<Readonly<Record<PropertyKey, unknown>>>,
  names: ReadonlySet<string>,
  base: string
): string | undefined => {
  for (const record of records) {
    for (const [name, value] of Object.entries(record)) {
      const found = names.has(plain(name)) ? resolve(reference(value), base) : undefined
      if (found !== undefined) return found
    }
  }
  return undefined
}

/** A link is a URL, or an object that holds one. */
const reference = (link: unknown): unknown => (isReadonlyObject(link) ? (link["href"] ?? link["url"]) : link)

/** A list of links with relations, as in `[{ "rel": "self", "href": "/jobs/1" }]`. */
const linked = (links: unknown, base: string): string | undefined => {
  if (!Array.isArray(links)) return undefined
  const own = links.find((link) => ["self", "status", "monitor"].includes(String(at(link, "rel"))))
  return resolve(reference(own), base)
}

/** The fields of a body that name a URL for checks, without case and separators. */
const monitorFields = /*#__PURE__*/ new Set(
  [
    "status",
    "operation",
    "poll",
    "polling",
    "monitor",
    "progress",
    "statusquery",
    "statusqueryget",
    "nextpoll"
  ].flatMap((subject) => ["url", "uri", "link", "href", "endpoint"].map((kind) => subject + kind))
)

/** The relations of a link to a status monitor. */
const linkNames = /*#__PURE__*/ new Set("status operation monitor poll polling progress".split(" "))
