/** The questions and actions of the server. */
import * as Decode from "./decode.ts"
import { read, readLines, type Request, request } from "./request.ts"
import type {
  ActorInfo,
  CpuProfile,
  Cycle,
  Event,
  Explanation,
  Frame,
  Program,
  Snapshot,
  SnapshotQuery
} from "./types.ts"

const query = (fields: Readonly<Record<string, string | number | boolean | undefined>>): string => {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined)
  return new URLSearchParams(entries.map(([name, value]) => [name, String(value)])).toString()
}

/** The client of one token. */
export const makeClient = (token: string) => {
  const get = async <A>(address: string): Promise<A> => read<A>(await request(token, address))
  const post = (address: string, options: Request = {}): Promise<Response> =>
    request(token, address, { ...options, method: "POST" })
  const actor = (id: string): string => `api/actors/${encodeURIComponent(id)}`
  const worker = (id: string): string => `api/workers/${encodeURIComponent(id)}`
  return {
    program: () => get<Program>("api/program"),
    snapshot: async (options: SnapshotQuery): Promise<Snapshot> =>
      Decode.snapshot(await get(`api/snapshot?${query({ ...options })}`)),
    actor: async (id: string, calls: number): Promise<ActorInfo> =>
      Decode.actorInfo(await get(`${actor(id)}?${query({ calls })}`)),
    why: (id: string) => get<Explanation>(`api/why/${encodeURIComponent(id)}`),
    deadlocks: () => get<ReadonlyArray<Cycle>>("api/deadlocks"),
    events: async (signal: AbortSignal): Promise<AsyncGenerator<Event>> =>
      readLines<Event>(await request(token, "api/events", { isLong: true, signal })),
    stack: async (id: string) => read<ReadonlyArray<Frame>>(await post(`${worker(id)}/stack`)),
    cpuProfile: async (id: string, millis: number) =>
      read<CpuProfile>(await post(`${worker(id)}/cpu-profile?${query({ millis })}`, { isLong: true })),
    heapSnapshot: async (id: string) => (await post(`${worker(id)}/heap-snapshot`, { isLong: true })).blob(),
    stop: (id: string, drain: boolean) => post(`${actor(id)}/stop?${query({ drain })}`, { isLong: true }),
    kill: (id: string) => post(`${actor(id)}/kill`, { isLong: true }),
    restart: (id: string) => post(`${actor(id)}/restart`, { isLong: true })
  }
}

export type Client = ReturnType<typeof makeClient>
