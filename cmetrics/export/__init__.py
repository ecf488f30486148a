"""The tables as CSV files and back, and the git branch that keeps them."""
