"""The write path: plan, fetch, reconcile, write. `refresh` and `backfill` differ only in the plan."""
