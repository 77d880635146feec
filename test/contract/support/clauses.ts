/** Returns the clauses of the contract at the beginning of the name of a test. */
export const clausesOf = (name: string): ReadonlyArray<string> =>
  /^[A-Z]\d+(?:, [A-Z]\d+)*(?=:)/.exec(name)?.[0].split(", ") ?? []
