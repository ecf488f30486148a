"""What the reference says about names that the code does not describe itself.

A field with a ``#:`` comment, or with a ``description``, needs no entry here.
"""

# ruff: noqa: E501  # One description per line.

from __future__ import annotations

#: Environment variable → description, and the value if it is not set.
VARIABLES: dict[str, tuple[str, str]] = {
    "CMETRICS_DB": ("Store: a folder, or a LanceDB URI (`s3://`, `gs://`, `az://`, `db://`). `--db` takes precedence.", "`data/lancedb`"),
    "CMETRICS_CONFIG": ("Catalogue. `--config` takes precedence.", "`cmetrics.toml` if it exists, else the built-in one"),
    "CMETRICS_CACHE": ("Folder for archive files that a long backfill need not download again.", "`cmetrics` in the cache folder of the user"),
    "CMETRICS_SITE_URL": ("Published address of the site. Takes precedence over `url` in the catalogue.", "–"),
    "CMETRICS_ALERTS": ("`off` disables `cmetrics alert`.", "`on`"),
    "CMETRICS_WEBHOOK_URL": ("Address that receives the summary of every run by POST. Secret, because anyone who knows it can post there.", "–"),
    "GITHUB_TOKEN": ("Raises GitHub's limit of 60 requests per hour; needs no permissions. `cmetrics alert` needs `issues: write`.", "–"),
    "CMETRICS_TRAFFIC_TOKEN": ("Token with push access to the repositories of `github-traffic` metrics, which are not collected without it.", "–"),
    "GITHUB_REPOSITORY": ("Repository that runs cmetrics, `owner/name`; set by GitHub Actions.", "–"),
    "LANCEDB_API_KEY": ("Key of LanceDB Enterprise. Set together with `LANCEDB_HOST_OVERRIDE`.", "–"),
    "LANCEDB_HOST_OVERRIDE": ("Address of the cluster, such as `https://cluster.example.com`.", "–"),
    "LANCEDB_REGION": ("Region of the cluster.", "`us-east-1`"),
    "HTTPS_PROXY": ("Proxy for `https` addresses. Percent-encode special characters of a password.", "–"),
    "HTTP_PROXY": ("Proxy for `http` addresses.", "–"),
    "ALL_PROXY": ("Proxy for both, if the two variables above are not set.", "–"),
    "NO_PROXY": ("Hosts that are reached without a proxy, separated by commas.", "–"),
    "SSL_CERT_FILE": ("File with the certificate authorities to trust.", "those of the system"),
    "SSL_CERT_DIR": ("Folder with the certificate authorities to trust.", "those of the system"),
}  # fmt: skip

#: Exit code → meaning.
EXIT_CODES: dict[int, str] = {
    0: "Success.",
    1: "Failure; nothing usable was stored. `status` and `doctor`: a metric is stale, or there is a problem.",
    2: "Wrong usage or configuration. Nothing was changed.",
    3: "`refresh` and `backfill`: some metrics failed, the others are stored.",
    130: "Interrupted (Ctrl-C or SIGTERM). All rows that were stored are complete.",
}

#: Section and field of cmetrics.toml → description.
CATALOGUE: dict[str, dict[str, str]] = {
    "top level": {
        "title": "Heading of the site.",
        "contact": "Address at which the services can reach you, sent in the User-Agent. crates.io requires it.",
        "url": "Published address of the site, such as `https://example.github.io/metrics/`. The feed, link previews and search engines need it.",
        "notice": "Text of up to 40 characters that marks every page, badge, picture and feed of the site, such as `Preview`.",
        "license": "Licence of the published data: an SPDX identifier, or a table with `name` and `url`. See [Licence](#licence). None by default.",
        "lang": "Language of numbers and dates on the site, such as `de`; words stay English. "
        "See [Theme and language](../how-to/theme-and-language.md).",
        "theme": "The appearance of the site, see [`[theme]`](#theme).",
        "products": "One `[[products]]` section or more.",
        "metrics": "One `[[metrics]]` section or more.",
        "events": "Any number of `[[events]]` sections.",
        "notes": "Any number of `[[notes]]` sections.",
    },
    "products": {
        "id": "Lower-case letters, digits, `.`, `_` and `-`.",
        "title": "Heading of the product.",
        "releases": "Releases of its repositories that are shown as events: `none`, `minor` (the default: major and minor releases), `patch` or `all`.",
        "prereleases": "Show pre-releases too. `false` by default.",
    },
    "metrics": {
        "product": "`id` of a product.",
        "source": "Name of a [source](sources.md).",
        "subject": "Package, crate, or `owner/repository`, as the source writes it.",
        "id": "Id of the series. By default it follows from family, product and SDK, such as `downloads:example:python`.",
        "count": "What to count, if the source has several counts; see [Sources](sources.md). By default the first of them.",
        "sdk": "SDK, by which charts group metrics. By default that of the source.",
        "display_name": "Name on the site. By default that of the source.",
        "mirrors": "PyPI only: count downloads by mirrors and unknown clients too. `false` by default.",
        "daily_from": "First day from which months are sums of daily values. For earlier months, seeded snapshots are shown where they exist.",
        "seed": "CSV file (`metric_id,date,value`), relative to the catalogue, with totals published before you started.",
        "continues": """Earlier packages whose series this one continues, such as `["vectordb"]`; the chart marks the change. Without it, changing `subject` to another package is an error.""",
    },
    "events": {
        "date": "Day, as a TOML date without quotes.",
        "label": "Text in the chart.",
        "url": "Address that the label links to.",
        "products": "Products whose charts show the event. All by default.",
    },
    "notes": {
        "date": "Day, as a TOML date without quotes.",
        "text": "The note.",
        "author": "Who wrote it.",
        "products": "Products to which the note applies. All by default.",
    },
    "theme": {
        "accent": "Colour of links, focus, selected controls, products and icon, as `#rrggbb`. Its contrast against the light backgrounds must be at least 4.5:1.",
        "accent_dark": "The accent of the dark scheme, with a contrast of at least 4.5:1 against its backgrounds. By default it is derived from `accent`.",
        "logo": "SVG or PNG file of at most 50,000 bytes, relative to the catalogue; shown beside the title.",
        "links": "Links at the end of every page, at most 8.",
    },
    "links": {
        "text": "Text of the link, at most 40 characters.",
        "url": "An address that begins with `https://`, `http://` or `mailto:`.",
    },
}  # fmt: skip

#: Field of a JSON document → description, where the name alone does not say it and the code has no comment.
FIELDS: dict[str, str] = {
    "absolute": "Difference.",
    "age_days": "Age of the newest stored day.",
    "advice": "What to do next; null if nothing.",
    "ahead": "Stored values of days that have not ended.",
    "area": "What was checked.",
    "as_of": "The last completed UTC day.",
    "checks": "One object per check.",
    "commit": "Id of the newest commit.",
    "created": "Names of the tables that were created.",
    "days_expected": "Days of the month.",
    "days_observed": "Days of the month that are stored; null for a seeded snapshot.",
    "days_stored": "Fetched days that are now in the store.",
    "dips": "Days on which a whole registry fell.",
    "display_name": "Name on the site.",
    "doubtful": "Implausible values of the last four weeks.",
    "entry": "Section and number, such as `metrics[2]`.",
    "error": "Why the metric failed; null if it did not.",
    "estimated": "Whether the value is interpolated.",
    "exit_code": "Exit code of the process.",
    "expected": "The usual value: the median of the same weekday in the weeks around the day.",
    "flows": "Stars gained and lost per day.",
    "gaps": "Ranges of missing days, each with its reason.",
    "generated_at": "Time of the build.",
    "groups": "One object per product.",
    "healed_days": "Gaps that were filled: missing days before the newest stored one.",
    "hint": "Next step; null if there is none.",
    "issue": "Number of the issue.",
    "items": "One object per metric.",
    "job": "Name of the command.",
    "job_name": "Name of the command.",
    "largest_revision": "The largest change of a stored value.",
    "last_30_days": "Sum of the last 30 days.",
    "last_30_days_observed": "How many of these 30 days are stored.",
    "last_full_month": "Downloads of all products in the last full calendar month.",
    "latest_day": "Newest stored day.",
    "level": "`ok`, `warning` or `problem`.",
    "link": "Page to open; null if there is none.",
    "message": "What failed, and why.",
    "metric_family": "`downloads` or `stars`.",
    "metric_id": "Id of the series.",
    "missing_days": "Number of days without a value.",
    "notes": "Information that requires no action.",
    "pending_days": "Completed days that the source has not published yet.",
    "percent": "Difference in percent.",
    "reason": "Why.",
    "requests": "HTTP requests sent, by source.",
    "revised_days": "Number of days whose stored value changed.",
    "rows_unchanged": "Rows that were read and equal the stored ones.",
    "share": "Percent of the product's downloads in that month.",
    "stale": "Whether the newest day is older than `--max-age-days`.",
    "subject": "Package, crate or repository.",
    "unusual_revisions": "Settled days that changed by more than half.",
}  # fmt: skip
