import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import * as babel from "@babel/core"
import * as esbuild from "esbuild"
import * as JobApi from "./JobApi.ts"

// The server of the pages. Each module of `pages` is a page, bundled when it is first asked for.

export interface Site {
  readonly origin: string
  /** The URL of a page. React is in development mode unless `mode` says otherwise. */
  readonly page: (name: string, query?: Query) => string
  /** Puts a page that a server has rendered under a URL of its own: the module `name`, data for it, and the elements. */
  readonly render: (name: string, data: unknown, elements: string) => string
  readonly job: JobApi.JobApi["job"]
  /** How many streams of events are open. */
  readonly streams: () => number
  readonly close: () => Promise<void>
}

/** The query of a page: its mode, and what the page itself reads. */
export interface Query {
  /** `compiled` is `production` with components compiled by the React Compiler. */
  readonly mode?: "development" | "production" | "compiled"
  readonly [name: string]: string
}

/**
 * Serves the pages of a folder, and an API of jobs at their origin and at another one. `alias` says where packages are that
 * the pages import by name.
 */
export const open = async (
  folder = join(import.meta.dirname, "..", "pages"),
  alias: Readonly<Record<string, string>> = {}
): Promise<Site> => {
  const renderings = new Map<string, string>()
  const bundles = new Map<string, Promise<string>>()
  const bundle = (name: string, mode: string): Promise<string> => {
    const key = `${name} ${mode}`
    const bundled = bundles.get(key) ?? bundleOf(join(folder, name), mode, alias)
    bundles.set(key, bundled)
    return bundled
  }
  const foreign = await JobApi.listen((request, response) => {
    if (!api.handle(request, response)) response.writeHead(404).end()
  })
  const own = await JobApi.listen((request, response) => {
    if (api.handle(request, response)) return
    const { pathname, searchParams } = new URL(request.url!, own.origin)
    const name = pathname.slice(1)
    const mode = searchParams.get("mode") ?? "development"
    const send = (type: string, text: string) => response.writeHead(200, { "content-type": type }).end(text)
    if (name.endsWith(".js")) {
      bundle(name.slice(0, -".js".length), mode).then(
        (text) => send("text/javascript", text),
        (error: Error) => response.writeHead(500).end(error.message)
      )
    } else if (renderings.has(name)) send("text/html", renderings.get(name)!)
    else if (name === "") send("text/html", "")
    else send("text/html", html(folder, name, mode))
  })
  const api = JobApi.make({ own: own.origin, foreign: foreign.origin })
  return {
    origin: own.origin,
    page: (name, query = {}) =>
      `${own.origin}/${name}?${new URLSearchParams({ mode: "development", ...query }).toString()}`,
    render: (name, data, elements) => {
      const json = JSON.stringify(data).replaceAll("&", "&amp;").replaceAll('"', "&quot;")
      const path = `rendered-${renderings.size + 1}`
      const root = `<div id="root" data-data="${json}">${elements}</div>`
      renderings.set(path, documentOf(name, "development", root))
      return `${own.origin}/${path}`
    },
    job: api.job,
    streams: api.streams,
    close: async () => {
      api.close()
      for (const { server } of [own, foreign]) {
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      }
    }
  }
}

// ---- internal ----

/** The elements of a page are in a file beside its module, if it has any of its own. */
const html = (folder: string, name: string, mode: string): string => {
  const file = join(folder, `${name}.html`)
  return documentOf(name, mode, existsSync(file) ? readFileSync(file, "utf8") : '<div id="root"></div>')
}

const documentOf = (name: string, mode: string, elements: string): string =>
  `<!doctype html>
<meta charset="utf-8">
<title>${name}</title>
<link rel="icon" href="data:,">
${elements}
<script type="module" src="/${name}.js?mode=${mode}"></script>
`

/** Compiles the components of this folder by the React Compiler. */
const reactCompiler: esbuild.Plugin = {
  name: "react-compiler",
  setup: ({ onLoad }) => {
    onLoad({ filter: /browser\/(src|pages)\/\w+\.tsx$/ }, async ({ path }) => {
      const compiled = await babel.transformAsync(readFileSync(path, "utf8"), {
        filename: path,
        babelrc: false,
        configFile: false,
        parserOpts: { plugins: ["typescript", "jsx"] },
        plugins: [["babel-plugin-react-compiler", { panicThreshold: "all_errors" }]]
      })
      return { contents: compiled!.code!, loader: "tsx" }
    })
  }
}

const bundleOf = async (path: string, mode: string, alias: Readonly<Record<string, string>>): Promise<string> => {
  const extension = [".ts", ".tsx"].find((each) => existsSync(path + each))
  const { outputFiles } = await esbuild.build({
    entryPoints: [`${path}${extension}`],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2023",
    jsx: "automatic",
    alias,
    minify: mode !== "development",
    define: { "process.env.NODE_ENV": JSON.stringify(mode === "development" ? mode : "production") },
    plugins: mode === "compiled" ? [reactCompiler] : [],
    logLevel: "silent"
  })
  return outputFiles[0]!.text
}
