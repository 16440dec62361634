// Measures a part of a row in a process of its own: `child.ts <row> <part>` prints its figures as JSON.
import { rows } from "./rows.ts"

const [row = "", part = ""] = process.argv.slice(2)
const figures = await rows[row]!.parts[part]!()
// Connections of hostile clients may still be open.
process.stdout.write(JSON.stringify(figures), () => process.exit(0))
