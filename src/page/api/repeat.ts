/** Asks the program again and again. */
import { isAbsent, messageOf } from "./request.ts"

export const sleep = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))

/** Waits while nobody looks at the page. */
export const whileHidden = async (): Promise<void> => {
  while (document.visibilityState === "hidden") {
    await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }))
  }
}

/**
 * Asks a question after each interval, and passes on each answer, or the text of the problem. If what was asked for is absent, `absent` is the
 * problem, and nothing is asked any more. Returns the function that ends it.
 */
export const repeatedly = <A>(
  millis: number,
  ask: () => Promise<A>,
  absent: string,
  reader: (answer: A | undefined, problem: string) => void
): () => void => {
  let isOver = false
  const run = async (): Promise<void> => {
    while (true) {
      let answer: A | undefined
      let problem = ""
      let isGone = false
      try {
        answer = await ask()
      } catch (error) {
        isGone = isAbsent(error)
        problem = isGone ? absent : messageOf(error)
      }
      if (isOver) return
      reader(answer, problem)
      if (isGone) return
      await sleep(millis)
      await whileHidden()
      if (isOver) return
    }
  }
  void run()
  return () => {
    isOver = true
  }
}
