"""The static site: pages, feed, badges, social card, and the files of the API."""
