/** The red bars: a lost connection, a proved deadlock, a blocked worker. And the notices. */
import { html, type View } from "../html.ts"
import { addressOf } from "../state/route.ts"
import type { State } from "../state/state.ts"

const ConnectionAlert = ({ connection: { message, status } }: State): View =>
  message === "" ? null : html`<div role="alert" class="alert">
    <strong>${message}</strong> ${
    status === "NoToken" || status === "Unauthorized"
      ? "Open the address that the program has printed, with its whole fragment."
      : "This page connects again when a program answers."
  }
  </div>`

export const Alerts = ({ state }: { readonly state: State }): View => {
  const proved = state.deadlocks.filter(({ certainty }) => certainty === "proved")
  const blocked = (state.reading?.snapshot.workers ?? []).filter((worker) => worker.state === "Blocked")
  const unread = state.reading?.snapshot.unread ?? []
  const failed = unread.filter(({ reason }) => reason === "Failed")
  const hidden = new Set(unread.map(({ worker }) => worker))
  return html`<div class="alerts">
    <${ConnectionAlert} ...${state} />
    ${
    proved.map(({ calls }) =>
      html`<div role="alert" class="alert" key=${calls.map(({ call }) => call).join()}>
        <strong>Deadlock, proved:</strong> ${
        calls.map(({ actor, call, method }, i) =>
          html`${i > 0 && " → "}<a href=${addressOf("why", call)}>${actor} runs ${method}</a>`
        )
      } → ${calls[0]?.actor}. None of these calls can be answered.
      </div>`
    )
  }
    ${
    // without the time, which would be read out again and again
    blocked.map(({ id }) =>
      html`<div role="alert" class="alert" key=${id}>
        <strong>${id} is blocked</strong>: its event loop does not answer.
        <a href=${`#worker-${id}`}>Its stack shows why.</a>
        ${hidden.has(id) && " The systems that it has made are not read meanwhile."}
      </div>`
    )}
    ${
    failed.map(({ message, worker }) =>
      html`<div role="alert" class="alert" key=${`unread ${worker}`}><strong>Not read</strong>: ${message}.</div>`
    )
  }
  </div>`
}

/** What the page has done, for the eye and for screen readers. */
export const Notice = ({ state }: { readonly state: State }): View =>
  html`<div role="status" aria-live="polite" class="notice">${state.notice}</div>`
