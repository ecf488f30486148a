"""The tables `metrics`, `stats` and `history` in LanceDB, wherever that is."""
