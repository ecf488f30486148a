"""Operations: health checks, alerts, webhooks, and administration of the GitHub repository."""
