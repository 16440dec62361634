// The rows of the table, in order.
import type { Row } from "../fleet/row.ts"
import { row as behind } from "./behind.ts"
import { row as hostile } from "./hostileRow.ts"
import { row as providers } from "./providersRow.ts"
import { healthy, lossy, polling, pushes, short } from "./told.ts"

export const rows: Readonly<Record<string, Row>> = Object.fromEntries(
  [polling, healthy, lossy, short, pushes, behind, providers, hostile].map((row) => [row.name, row])
)
