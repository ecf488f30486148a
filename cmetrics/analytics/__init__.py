"""The view-model: everything that is shown, computed once. Pure; page, API and files only read it."""
