/** What a call or an actor waits for: the lines of an explanation, nested. */
import { useEffect, useState } from "preact/hooks"
import { repeatedly } from "../api/repeat.ts"
import type { Explanation, ExplanationStep } from "../api/types.ts"
import { html, type View } from "../html.ts"
import { useApp } from "../state/app.ts"
import { addressOf } from "../state/route.ts"

interface Node {
  readonly step: ExplanationStep
  readonly below: Array<Node>
}

/** A step explains the last step above it with a smaller depth. */
const nest = (steps: ReadonlyArray<ExplanationStep>): ReadonlyArray<Node> => {
  const top: Array<Node> = []
  const path: Array<Node> = []
  for (const step of steps) {
    const node: Node = { step, below: [] }
    while (path.length > 0 && path.at(-1)!.step.depth >= step.depth) path.pop()
    ;(path.at(-1)?.below ?? top).push(node)
    path.push(node)
  }
  return top
}

const List = ({ nodes }: { readonly nodes: ReadonlyArray<Node> }): View =>
  html`<ul class="why">${
    nodes.map(({ below, step: { actor, call, closesCycle, text } }) =>
      html`<li key=${`${call} ${text}`} class=${closesCycle ? "cycle" : ""}>
        <a href=${call === undefined ? addressOf("actor", actor) : addressOf("why", call)}>${text}</a>
        ${below.length > 0 && html`<${List} nodes=${below} />`}
      </li>`
    )
  }</ul>`

/** The explanation, read again and again. */
export const Why = ({ id }: { readonly id: string }): View => {
  const { client } = useApp()
  const [found, setFound] = useState<Explanation | string | undefined>(undefined)
  useEffect(
    () =>
      repeatedly(
        2_000,
        () => client.why(id),
        "The call or the actor has ended.",
        (explanation, problem) => setFound(explanation ?? problem)
      ),
    [id]
  )
  if (found === undefined) return html`<p class="note">Asking all workers…</p>`
  if (typeof found === "string") return html`<p class="note">${found}</p>`
  return html`<div>
    ${
    found.deadlock !== undefined && html`<p class="cycle"><strong>${
      found.deadlock === "proved"
        ? "A deadlock, proved: none of these calls can be answered."
        : "A cycle: possibly a deadlock."
    }</strong></p>`
  }
    <${List} nodes=${nest(found.steps)} />
  </div>`
}
