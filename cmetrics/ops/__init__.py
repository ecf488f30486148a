"""Operating cmetrics: health checks, alerts, webhooks, and the GitHub repository that runs it."""
