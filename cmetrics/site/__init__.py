"""The static site: rendered whole in memory, then put in place at once."""
