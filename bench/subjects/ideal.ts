/**
 * The ideal results: two workers are twice as fast as one, and a pool is never idle while a task waits.
 */
import { mixedIdeally } from "../gauges.ts"
import type { Subject } from "../subject.ts"

export const subject: Subject = {
  cpu: async () => ({ read: async () => 2, close: async () => undefined }),
  mixed: mixedIdeally
}
