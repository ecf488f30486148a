"""The write side: plan, fetch, reconcile, store. `refresh` and `backfill` differ only in the plan."""
