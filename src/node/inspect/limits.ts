/**
 * The limit that both ends of an inspection know.
 */

/** How long a worker is asked for its figures, in milliseconds. */
export const figuresLimit = 100
