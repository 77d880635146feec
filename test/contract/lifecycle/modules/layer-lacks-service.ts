/** A module whose layer requires a service that nothing provides. */
export { unbuilt as default } from "./lacks-service.ts"
