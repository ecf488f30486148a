"""The README of the data branch."""

from __future__ import annotations

README = "README.md"
_TEXT = """\
# Data of cmetrics

This branch is written by [cmetrics](https://github.com/lancedb/cmetrics), which collects download and star counts every
night. It shares no history with the other branches. Do not merge it, and do not edit its files by hand.

| file | content |
| --- | --- |
| `stats/*.csv` | the values of one metric, by day |
| `metrics.csv` | the definitions of the metrics |
| `history.csv`, `outcomes.csv`, `revisions.csv` | the runs, the outcome of each metric, and replaced values |
| `events.csv` | releases of the repositories |
| `readings.csv` | counts of individual files, such as release assets |
| `manifest.csv` | number of rows and digest of each file, to detect damage |

To read everything back into a store:

    git clone --branch {branch} --single-branch ADDRESS-OF-THIS-REPOSITORY data-branch
    cmetrics restore data-branch --db data/lancedb

If a commit damaged a file, revert it with `git revert`. If the branch was removed or reset by
mistake, the last commit that cmetrics pushed is still available as `refs/cmetrics/last/{branch}`:

    git fetch origin refs/cmetrics/last/{branch}
    git push --force origin FETCH_HEAD:refs/heads/{branch}
"""


def readme(branch: str) -> str:
    """Return the README for a data branch with the given name."""
    return _TEXT.format(branch=branch)
