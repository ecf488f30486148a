"""The HTTP client: rate limits, retries, size limits, and response validation."""
