import { isReadonlyObject } from "effect/Predicate"
import type { OperationAnswer } from "../../LongRunningReading.ts"
import { at } from "../json.ts"
import { recordsIn } from "./records.ts"
import { plain } from "./plain.ts"
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
  const records = recordsIn(body).map(({ record }) => record)
  const links = records.flatMap((record) => ["links", "_links", "urls"].map((name) => record[name]))
  const found = urlAt(records, isMonitorField, url) ?? urlAt(links.filter(isReadonlyObject), isLinkName, url)
  if (found !== undefined) return found
  const self = resolve(at(body, "selfLink"), url)
  return self !== undefined && /\/operations\/[^/]/.test(self) ? self : undefined
}

/** The URL of the resource that a body is about, which is its operation only if something else shows that it is one. */
export const selfUrl = ({ body, url }: OperationAnswer): string | undefined => {
  const records = recordsIn(body).map(({ record }) => record)
  for (const record of records) {
    for (const path of selfPaths) {
      const found = resolve(reference(at(record, ...path)), url)
      if (found !== undefined) return found
    }
    const listed = linked(at(record, "links"), url)
    if (listed !== undefined) return listed
  }
  return urlAt(records, isSubjectField, url)
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
  linkUrl(answer) ??
  urlIn(answer, "content-location") ??
  selfUrl(answer)

// ---- internal ----

/** The longest reference that is read. */
const maxLength = 8192

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

/** The first URL in a field that is named so, by its name without case and separators. */
const urlAt = (
  records: ReadonlyArray<Readonly<Record<PropertyKey, unknown>>>,
  isNamed: (field: string) => boolean,
  base: string
): string | undefined => {
  for (const record of records) {
    for (const [name, value] of Object.entries(record)) {
      const found = isNamed(plain(name)) ? resolve(reference(value), base) : undefined
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

/** A link of the header `Link` to a status monitor, or the URL of the header `Refresh`. */
const linkUrl = ({ headers, url }: OperationAnswer): string | undefined => {
  const link = headers["link"]?.slice(0, maxLength) ?? ""
  for (const [, target, parameters] of link.matchAll(/<([^<>]*)>([^<>]*)/g)) {
    const rel = /;\s*rel\s*=\s*"?([^";,]*)/i.exec(parameters ?? "")?.[1] ?? ""
    if (rel.split(/\s+/).some((each) => isLinkName(plain(each)))) return resolve(target, url)
  }
  return resolve(/;\s*url\s*=\s*["']?([^"'\s]+)/i.exec(headers["refresh"]?.slice(0, maxLength) ?? "")?.[1], url)
}

const kinds = "(?:url|uri|link|href|endpoint|location)$"

/** The fields of a body that name a URL for checks, of any subject: `statusUrl`, `statementStatusUrl`, `pollUrl`. */
const monitorField = /*#__PURE__*/ new RegExp(
  `(?:status|poll|polling|monitor|monitoring|progress|statusquery|statusqueryget|checkstatus|statuscheck)${kinds}`
)
const operationField = /*#__PURE__*/ new RegExp(`^operation${kinds}`)

/** What such a URL is for if it is not for checks. */
const otherPurpose = /^(?:cancel|delete|stop|abort|terminate|purge|set|update|post)/

const isMonitorField = (field: string): boolean =>
  (monitorField.test(field) || operationField.test(field)) && !otherPurpose.test(field)

/** The fields that name what an operation is called by its server: `jobUrl`, `export_uri`. */
const subjectField = /*#__PURE__*/ new RegExp(
  `^(?:job|task|run|export|import|batch|statement|execution|query|build|process|request|transaction)${kinds}`
)
const isSubjectField = (field: string): boolean => subjectField.test(field)

/** The relations of a link to a status monitor. */
const linkNames = /*#__PURE__*/ new Set("status operation monitor poll polling progress".split(" "))
const isLinkName = (field: string): boolean => linkNames.has(field)
