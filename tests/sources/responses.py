"""Invalid responses that every parser must reject."""

from __future__ import annotations

#: Invalid counts, some of which are numbers in JSON.
INVALID_COUNTS = (
    "-1",
    "true",
    "1.0",
    "1e3",
    "2.5",
    '"7"',
    "null",
    "NaN",
    "Infinity",
    "[1]",
    "10000000000001",
    "9" * 5000,
)

#: Invalid days.
INVALID_DAYS = (
    '"2026-13-01"',
    '"2026-02-30"',
    '"2026-1-1"',
    '"2026-01-01T12:00:00Z"',
    '"2026-W01-4"',  # ISO 8601 as well, and as long as a day
    '"2026-W01-4T00:00:00Z"',
    '"20260101"',
    "20260101",
    "null",
)

#: Invalid response bodies; the comments state who sends them.
INVALID_RESPONSES = (
    b"",
    b"404",  # pypistats, as text/html: valid JSON
    b"error code: 1015",  # Cloudflare before npm
    b"<!DOCTYPE html><html><body>Just a moment...</body></html>",
    b'<a href="/api/#etiquette">429 RATE LIMIT EXCEEDED</a>',
    b"null",
    b"true",
    b'"text"',
    b"{}",
    b"[[]]",
    b"[{}]",
    b"NaN",
    b"\xff\xfe",
    b"[" * 5000,
    b'{"error":"not found"}',
    b'{"message":"Not Found"}',
    b'{"errors":[{"detail":"crate `x` does not exist"}]}',
)

HTML_PAGES = (b"<!DOCTYPE html><p>503", b"\n <html><body>", b"<HTML>", b"<head><title>", b"<?xml version='1.0'?>")
