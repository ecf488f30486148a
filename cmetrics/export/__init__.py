"""Export the tables as CSV files, restore them, and synchronize them with a git branch."""
