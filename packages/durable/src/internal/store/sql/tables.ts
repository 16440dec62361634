// The tables of a store, and the statements that make them.

/** The names of the tables and of what belongs to them. */
export interface Tables {
  readonly jobs: string
  readonly hooks: string
  readonly buckets: string
  readonly runners: string
  readonly paused: string
  readonly counters: string
  readonly positions: string
  readonly migrations: string
  /** The channel of the changes, and a part of the names of locks. */
  readonly channel: string
}

/** The databases that are supported. */
export type Dialect = "pg" | "sqlite"

/** The prefix of the names, unless an option says otherwise. */
export const defaultPrefix = "effect_poll_"

/** The names with a prefix: throws a RangeError. */
export const tablesOf = (option: string, prefix: string): Tables => {
  if (!/^([A-Za-z_]\w{0,39}\.)?[A-Za-z_]\w{0,39}$/.test(prefix)) {
    throw new RangeError(
      `${option} must begin with a letter or underscore, and have at most 40 letters, digits and underscores, optionally ` +
        `after a schema and a dot; got ${JSON.stringify(prefix)}`
    )
  }
  return {
    jobs: `${prefix}jobs`,
    hooks: `${prefix}hooks`,
    buckets: `${prefix}buckets`,
    runners: `${prefix}runners`,
    paused: `${prefix}paused`,
    counters: `${prefix}counters`,
    positions: `${prefix}positions`,
    migrations: `${prefix}migrations`,
    channel: channelOf(prefix)
  }
}

/** The channel of a prefix: with its schema, if the name is not too long for PostgreSQL then. */
const channelOf = (prefix: string): string => {
  const channel = `${prefix}changes`
  return channel.length < 64 ? channel : channel.slice(channel.indexOf(".") + 1)
}

/** The statements of each migration, in their order. */
export const statements = (dialect: Dialect, tables: Tables): ReadonlyArray<string> => {
  const isPg = dialect === "pg"
  const text = isPg ? `text COLLATE "C"` : "text"
  const index = tables.jobs.slice(tables.jobs.indexOf(".") + 1)
  return [
    `CREATE TABLE ${tables.jobs} (
  id ${text} NOT NULL PRIMARY KEY,
  kind ${text} NOT NULL,
  job_key text,
  bucket integer NOT NULL,
  state text NOT NULL,
  since text,
  round integer NOT NULL,
  created_at bigint NOT NULL,
  deadline_at bigint,
  deadline_millis bigint,
  due_at bigint NOT NULL,
  nudges integer NOT NULL,
  change bigint NOT NULL,
  token text,
  input text,
  idempotency_key text,
  tags text,
  hooks ${isPg ? "jsonb" : "text"},
  outcome text,
  ending text,
  ended_by text,
  attempts integer,
  ended_at bigint,
  position bigint
)`,
    `CREATE INDEX ${index}_due ON ${tables.jobs} (bucket, due_at, id) WHERE state <> 'ended'`,
    `CREATE INDEX ${index}_change ON ${tables.jobs} (change) WHERE state <> 'ended'`,
    `CREATE INDEX ${index}_ended ON ${tables.jobs} (kind, position) WHERE state = 'ended'`,
    `CREATE TABLE ${tables.hooks} (
  id ${text} NOT NULL,
  hook ${text} NOT NULL,
  round integer NOT NULL,
  PRIMARY KEY (id, hook)
)`,
    `CREATE TABLE ${tables.buckets} (
  bucket integer NOT NULL PRIMARY KEY,
  epoch bigint NOT NULL,
  runner text
)`,
    `CREATE TABLE ${tables.runners} (
  runner ${text} NOT NULL PRIMARY KEY,
  beat_at bigint NOT NULL
)`,
    `CREATE TABLE ${tables.paused} (kind ${text} NOT NULL PRIMARY KEY)`,
    ...(isPg
      ? [`CREATE SEQUENCE ${tables.positions}`]
      : [
          `CREATE TABLE ${tables.counters} (name text NOT NULL PRIMARY KEY, value bigint NOT NULL)`,
          `INSERT INTO ${tables.counters} (name, value) VALUES ('change', 0), ('position', 0)`
        ])
  ]
}
