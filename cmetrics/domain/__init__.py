"""Plain values that every part of cmetrics shares. No I/O, no third-party library."""
