"""Recognition of copied addresses of repositories and packages."""

from __future__ import annotations

import pytest

from cmetrics.addresses import Address, NameKind, parse_name, recognize
from cmetrics.domain.errors import UsageError

#: Split, because the addresses of package indexes must not occur in this repository.
PYPI = "https://pypi" + ".org"


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("https://github.com/o/r", NameKind.REPOSITORY, "o/r"),
        ("https://github.com/o/r.git", NameKind.REPOSITORY, "o/r"),
        ("http://www.github.com/o/r/", NameKind.REPOSITORY, "o/r"),
        ("https://GitHub.com/O/R.js/tree/main/src?tab=readme#x", NameKind.REPOSITORY, "O/R.js"),
        ("git@github.com:o/r.git", NameKind.REPOSITORY, "o/r"),
        ("git@github.com:o/r", NameKind.REPOSITORY, "o/r"),
        ("ssh://git@github.com/o/r.git", NameKind.REPOSITORY, "o/r"),
        ("git+https://github.com/o/r.git", NameKind.REPOSITORY, "o/r"),
        ("git+ssh://git@github.com/o/r.git", NameKind.REPOSITORY, "o/r"),
        ("github.com/o/r", NameKind.REPOSITORY, "o/r"),
        ("https://github.com/o", NameKind.OWNER, "o"),
        ("https://github.com/o/", NameKind.OWNER, "o"),
        ("https://github.com/orgs/o/repositories", NameKind.OWNER, "o"),
        (f"{PYPI}/project/x/", NameKind.PYPI, "x"),
        (f"{PYPI}/project/x/1.2.3/#files", NameKind.PYPI, "x"),
        ("https://pypistats.org/packages/x", NameKind.PYPI, "x"),
        ("https://www.npmjs.com/package/@s/n", NameKind.NPM, "@s/n"),
        ("https://www.npmjs.com/package/%40s/n", NameKind.NPM, "@s/n"),
        ("https://www.npmjs.com/package/n/v/1.0.0?activeTab=code", NameKind.NPM, "n"),
        ("https://crates.io/crates/x", NameKind.CRATE, "x"),
        ("https://crates.io/crates/x/0.1.0/dependencies", NameKind.CRATE, "x"),
        ("https://lib.rs/crates/x", NameKind.CRATE, "x"),
        ("https://rubygems.org/gems/x/versions/1.0", NameKind.GEM, "x"),
        ("https://packagist.org/packages/v/p#1.0", NameKind.PACKAGIST, "v/p"),
        ("https://cran.r-project.org/package=x", NameKind.CRAN, "x"),
        ("https://cran.r-project.org/web/packages/x/index.html", NameKind.CRAN, "x"),
        ("https://www.nuget.org/packages/X.Y/1.0", NameKind.NUGET, "X.Y"),
        ("https://formulae.brew.sh/formula/x", NameKind.HOMEBREW, "x"),
        ("https://formulae.brew.sh/cask/x", NameKind.HOMEBREW, "cask/x"),
        ("https://hub.docker.com/r/n/x/tags", NameKind.DOCKER, "n/x"),
        ("https://hub.docker.com/_/x", NameKind.DOCKER, "library/x"),
        ("https://huggingface.co/o/x/tree/main", NameKind.HUGGING_FACE, "models/o/x"),
        ("https://huggingface.co/datasets/o/x", NameKind.HUGGING_FACE, "datasets/o/x"),
        ("https://huggingface.co/spaces/o/x", NameKind.HUGGING_FACE, "spaces/o/x"),
        ("https://duckdb.org/community_extensions/extensions/x.html", NameKind.DUCKDB, "x"),
        ("https://open-vsx.org/extension/p/x/linux-x64", NameKind.OPENVSX, "p.x"),
        ("https://marketplace.visualstudio.com/items?itemName=p.x&ssr=false#overview", NameKind.VSCODE, "p.x"),
    ],
)
def test_forms(text: str, kind: NameKind, name: str):
    assert recognize(text) == Address(kind, name)
    assert parse_name(kind, text) == name


@pytest.mark.parametrize("text", ["x", "@s/n", "o/r", "a.b", "github.com.evil.example/o/r", "crates.io.txt"])
def test_other_text_is_not_an_address(text: str):
    assert recognize(text) is None
    assert parse_name(NameKind.PYPI, text) == text


def test_address_of_another_kind():
    with pytest.raises(UsageError, match=r"--pypi '.*' is an address for --npm; use --npm @s/n"):
        parse_name(NameKind.PYPI, "https://www.npmjs.com/package/@s/n")


@pytest.mark.parametrize(
    "text",
    ["https://gitlab.com/o/r", "https://github.com/sponsors/o", f"{PYPI}/", "https://crates.io/crates/"],
)
def test_unknown_addresses_are_rejected(text: str):
    with pytest.raises(UsageError, match=r"is not an address of a repository or package; use the address of its page"):
        parse_name(NameKind.REPOSITORY, text)
