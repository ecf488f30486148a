"""Archives: where the days are that a source no longer serves."""
