/** Whether a graph is traced for this machine, or to be written for others. */

let tracesForElsewhere = false;

/** Runs `body`; what it traces will run on other machines, so that nothing is chosen by this one's processor. */
export function forElsewhere<R>(body: () => R): R {
  tracesForElsewhere = true;
  try {
    return body();
  } finally {
    tracesForElsewhere = false;
  }
}

/** Whether what is being traced will run on other machines. */
export function isForElsewhere(): boolean {
  return tracesForElsewhere;
}
