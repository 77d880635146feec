/**
 * An `SqlClient` of Effect on the SQLite of Node. Statements run on the event loop, one at a time. Other processes may use the same file:
 * a statement waits while another process writes.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Semaphore from "effect/Semaphore"
import * as SqlClient from "effect/sql/SqlClient"
import type { Connection } from "effect/sql/SqlConnection"
import * as SqlError from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import * as Stream from "effect/Stream"
import type { DatabaseSync, SQLInputValue } from "node:sqlite"

// for a process that is stopped while it writes
const busyTimeout = 10_000

const fail = (cause: unknown): SqlError.SqlError =>
  new SqlError.SqlError({ reason: SqlError.classifySqliteError(cause) })

// what SQLite has no type for
const toSqlite = (value: unknown): SQLInputValue =>
  typeof value === "boolean"
    ? Number(value)
    : value instanceof Date
    ? value.toISOString()
    : value === undefined
    ? null
    : value as SQLInputValue

const connect = (database: DatabaseSync): Connection => {
  const run = (
    sql: string,
    params: ReadonlyArray<unknown>,
    mode: "rows" | "arrays" | "raw"
  ): Effect.Effect<any, SqlError.SqlError> =>
    Effect.try({
      try: () => {
        const statement = database.prepare(sql)
        statement.setReturnArrays(mode === "arrays")
        const values = params.map(toSqlite)
        if (statement.columns().length > 0) return statement.all(...values)
        const result = statement.run(...values)
        return mode === "raw" ? result : []
      },
      catch: fail
    })
  const execute: Connection["execute"] = (sql, params, transform) => {
    const rows = run(sql, params, "rows")
    return transform === undefined ? rows : Effect.map(rows, transform)
  }
  const executeValues: Connection["executeValues"] = (sql, params) => run(sql, params, "arrays")
  return {
    execute,
    executeUnprepared: execute,
    executeValues,
    executeValuesUnprepared: executeValues,
    executeRaw: (sql, params) => run(sql, params, "raw"),
    executeStream: (sql, params, transform) =>
      Stream.unwrap(Effect.map(execute(sql, params, transform), Stream.fromIterable))
  }
}

/** The client of a database file. */
export const layer = (filename: string): Layer.Layer<SqlClient.SqlClient> =>
  Layer.effect(
    SqlClient.SqlClient,
    Effect.gen(function*() {
      // a static import would load SQLite for every cluster, and print the warning of Node 22
      const { DatabaseSync } = yield* Effect.promise(() => import("node:sqlite"))
      const database = yield* Effect.acquireRelease(
        Effect.sync(() => new DatabaseSync(filename, { timeout: busyTimeout })),
        (database) => Effect.sync(() => database.close())
      )
      database.exec("PRAGMA journal_mode = WAL")
      return yield* SqlClient.make({
        ...SqlClient.makeSqliteAcquirers({
          connection: Effect.succeed(connect(database)),
          semaphore: Semaphore.makeUnsafe(1)
        }),
        compiler: Statement.makeCompilerSqlite(),
        driver: "sqlite",
        beginTransaction: "BEGIN IMMEDIATE",
        spanAttributes: []
      })
    })
  ).pipe(Layer.provide(Reactivity.layer))
