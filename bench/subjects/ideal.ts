/**
 * The ideal result: two workers are twice as fast as one.
 */
import type { Subject } from "../subject.ts"

export const subject: Subject = {
  cpu: async () => ({ read: async () => 2, close: async () => undefined })
}
