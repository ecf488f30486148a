"""The API: the documents of `cmetrics.documents` over HTTP, read-only. Needs the extra `api`."""
