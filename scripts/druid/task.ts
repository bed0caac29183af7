/** Submits tasks to the overlord and waits for their end. */
import type { Druid } from "./cluster.ts"
import { request } from "./http.ts"
import { Fatal, poll } from "./wait.ts"

/** Submits a task and answers its id. @throws DruidHttpError if the overlord refuses it. */
export async function submitTask(druid: Druid, task: unknown): Promise<string> {
  const answer = (await request(`${druid.routerUrl}/druid/indexer/v1/task`, { body: task })) as {
    task: string
  }
  return answer.task
}

/**
 * Waits until the task has succeeded.
 * @throws Error with the task's own error message if it failed, or at the deadline (milliseconds).
 */
export async function waitTask(druid: Druid, id: string, deadlineMs = 900_000): Promise<void> {
  const url = `${druid.routerUrl}/druid/indexer/v1/task/${encodeURIComponent(id)}/status`
  await poll(`task ${id} to succeed`, { deadlineMs, everyMs: 250 }, async () => {
    const { status } = (await request(url)) as { status: { status: string; errorMsg?: string | null } }
    if (status.status === "FAILED") throw new Fatal(`Task ${id} failed: ${status.errorMsg ?? "no message"}`)
    return status.status === "SUCCESS" ? true : undefined
  })
}

/** Submits a task, waits until it has succeeded, answers its id. */
export async function runTask(druid: Druid, task: unknown, deadlineMs?: number): Promise<string> {
  const id = await submitTask(druid, task)
  await waitTask(druid, id, deadlineMs)
  return id
}
