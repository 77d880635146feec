/** The question before an action. */
import { useLayoutEffect, useRef } from "preact/hooks"
import { html, type View } from "../html.ts"
import { attempt, useApp } from "../state/app.ts"
import type { Question } from "../state/state.ts"

const Open = ({ question }: { readonly question: Question }): View => {
  const app = useApp()
  const dialog = useRef<HTMLDialogElement>(null)
  // before the next key is pressed
  useLayoutEffect(() => dialog.current!.showModal(), [])
  const forget = (): void => app.store.set({ question: undefined })
  // the browser gives the focus back to the element that had it; parts/focus.ts finds another one if that is gone
  const close = (): void => dialog.current!.close()
  const run = (): void => {
    close()
    void attempt(app, question.done, question.run)
  }
  return html`<dialog ref=${dialog} aria-labelledby="question" onClose=${forget}>
    <p id="question">${question.text}</p>
    <div class="actions">
      <button type="button" autofocus onClick=${close}>Cancel</button>
      <button type="button" class="danger" onClick=${run}>${question.verb}</button>
    </div>
  </dialog>`
}

export const Dialog = ({ question }: { readonly question: Question | undefined }): View =>
  question === undefined ? null : html`<${Open} question=${question} key=${question.text} />`
