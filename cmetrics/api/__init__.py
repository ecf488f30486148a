"""The debug API: the documents of ``cmetrics.answers`` over HTTP, read-only. Needs the extra `api`."""
