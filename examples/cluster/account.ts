// An account of a bank. Its entries are rows of the database, so that they survive its runner.
import { Effect, Layer, Schema } from "effect"
import { ClusterSchema } from "effect/cluster"
import { SqlClient } from "effect/sql"
import { Actor, ActorSystem } from "uactor"
import * as ActorCluster from "uactor/ActorCluster"
import * as NodeActorCluster from "uactor/node/NodeActorCluster"

export class Account extends Actor.Service<Account>()("Account", {
  args: Schema.String, // the id
  protocol: {
    // kept by the cluster until it has run: at least once, under its key
    add: Actor.method({
      payload: { tx: Schema.String, amount: Schema.Int },
      primaryKey: ({ tx }) => tx
    }).annotate(ClusterSchema.Persisted, true),
    balance: Actor.method({ success: Schema.Int }).annotate(Actor.Idempotent, true)
  }
}) {}

const AccountLive = Account.toLayer((id) =>
  Effect.map(SqlClient.SqlClient, (sql) =>
    Account.handlers({
      // a second run of the same transaction changes nothing
      add: ({ amount, tx }) =>
        sql`insert or ignore into entries (tx, account, amount) values (${tx}, ${id}, ${amount})`.pipe(
          Effect.delay("5 millis"), // some work, so that the runner dies in the middle of it
          Effect.asVoid,
          Effect.orDie
        ),
      balance: () =>
        sql<{ balance: number }>`select coalesce(sum(amount), 0) as balance from entries where account = ${id}`.pipe(
          Effect.map(([row]) => row!.balance),
          Effect.orDie
        )
    }))
)

/** Short intervals: the accounts of a runner that dies are elsewhere after about 4 seconds. */
export const config = {
  shardsPerGroup: 30,
  shardLockExpiration: "3 seconds",
  shardLockRefreshInterval: "1 second",
  runnerHealthCheckInterval: "1 second",
  refreshAssignmentsInterval: "300 millis",
  entityMessagePollInterval: "500 millis"
} as const

export const Database = (filename: string) =>
  Layer.effectDiscard(
    Effect.flatMap(SqlClient.SqlClient, (sql) =>
      sql`create table if not exists entries (tx text primary key, account text not null, amount integer not null)`)
  ).pipe(Layer.orDie, Layer.provideMerge(NodeActorCluster.layerSqlite({ filename })))

/** Hosts accounts on this runner. */
export const Accounts = ActorCluster.layer(Account).pipe(Layer.provide(ActorSystem.layer(AccountLive)))
