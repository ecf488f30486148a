"""Telling people: an issue while something is wrong, and the summary of every run to a webhook."""
