"""The view-model: everything that is shown, computed once. Pure. Page, API and files only read it."""
