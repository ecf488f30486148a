"""Archives for days that the sources no longer serve."""
