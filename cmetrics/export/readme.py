"""The README of the data branch."""

from __future__ import annotations

README = "README.md"
_TEXT = """\
# Data of cmetrics

This branch is written by [cmetrics](https://github.com/lancedb/cmetrics), which collects download and star counts every
night. It has no history in common with the other branches; please do not merge it, and edit nothing here by hand.

| file | content |
| --- | --- |
| `stats/*.csv` | the values of one metric, by day |
| `metrics.csv` | what the metrics are |
| `history.csv`, `outcomes.csv`, `revisions.csv` | the runs, what came of each metric, and values that were replaced |
| `events.csv` | releases of the repositories |
| `readings.csv` | counts of the parts of a subject, such as release assets |
| `manifest.csv` | rows and digest of each file, by which a damaged file is noticed |

To read everything back into a store:

    git clone --branch {branch} --single-branch ADDRESS-OF-THIS-REPOSITORY data-branch
    cmetrics restore data-branch --db data/lancedb

If a file was damaged by a commit, `git revert` of that commit repairs it. If the branch was removed or put back by
mistake, the last commit that cmetrics pushed is still there as `refs/cmetrics/last/{branch}`:

    git fetch origin refs/cmetrics/last/{branch}
    git push --force origin FETCH_HEAD:refs/heads/{branch}
"""


def readme(branch: str) -> str:
    """Return the README for a data branch with the given name."""
    return _TEXT.format(branch=branch)
