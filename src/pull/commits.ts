/** Commits made of plans. */
import { settingsText } from "../config/settings-digest.ts"
import type { DatasourceCommit } from "../store/rows/commit.ts"
import type { Prepared } from "./prepare/prepare.ts"

/** A commit of this plan that does nothing yet. */
export function emptyCommit(prepared: Prepared): DatasourceCommit {
  const { settings, schema } = prepared
  return {
    target: { datasource: settings.name, table: settings.table, settings: settingsText(settings), schema },
    slices: [],
    refreshed: [],
    keep: [],
    remove: [],
  }
}
