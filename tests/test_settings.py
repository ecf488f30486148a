from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from cmetrics.domain.errors import UsageError
from cmetrics.domain.redaction import redact
from cmetrics.environment import Environment, known_variables
from cmetrics.settings import StoreKind, StoreTarget, _sendable_token, load_settings
from cmetrics.settings import resolve_store as resolve_store_of
from tests.depth import deep

VARIABLES = known_variables()
KEY, HOST = "sk-3cr3t-key", "https://cluster.example.com"
ENTERPRISE = {"LANCEDB_API_KEY": KEY, "LANCEDB_HOST_OVERRIDE": HOST}


def resolve_store(option: str | None, variables: dict[str, str]) -> StoreTarget:
    return resolve_store_of(option, Environment(**variables))


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    return tmp_path


def secret(value: SecretStr | None) -> str | None:
    return value and value.get_secret_value()


def dotenv(here: Path, **values: str) -> None:
    (here / ".env").write_text("".join(f"{name}={value}\n" for name, value in values.items()))


# -- store ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "env", "kind", "uri"),
    [
        (None, {}, StoreKind.EMBEDDED, "data/lancedb"),
        (None, ENTERPRISE, StoreKind.ENTERPRISE, "db://community-metrics"),
        (None, ENTERPRISE | {"CMETRICS_DB": "folder"}, StoreKind.EMBEDDED, "folder"),
        ("other", ENTERPRISE | {"CMETRICS_DB": "folder"}, StoreKind.EMBEDDED, "other"),
        ("", {"CMETRICS_DB": "folder"}, StoreKind.EMBEDDED, "folder"),
        ("/abs/folder", {}, StoreKind.EMBEDDED, "/abs/folder"),
        ("s3://bucket/x", ENTERPRISE, StoreKind.OBJECT_STORE, "s3://bucket/x"),
        (None, {"CMETRICS_DB": "gs://bucket/x"}, StoreKind.OBJECT_STORE, "gs://bucket/x"),
        ("az://container/x", {}, StoreKind.OBJECT_STORE, "az://container/x"),
        ("db://mine", ENTERPRISE, StoreKind.ENTERPRISE, "db://mine"),
        (None, ENTERPRISE | {"CMETRICS_DB": "db://mine"}, StoreKind.ENTERPRISE, "db://mine"),
        # A leftover key in the environment does not prevent the use of a folder.
        ("folder", {"LANCEDB_API_KEY": KEY}, StoreKind.EMBEDDED, "folder"),
    ],
)
def test_option_precedes_variable_precedes_default(option, env, kind, uri):
    target = resolve_store(option, env)
    assert (target.kind, target.uri) == (kind, uri)


def test_only_an_enterprise_store_gets_key_host_and_region():
    target = resolve_store(None, ENTERPRISE)
    assert (secret(target.api_key), target.host_override, target.region) == (KEY, HOST, "us-east-1")
    assert resolve_store(None, ENTERPRISE | {"LANCEDB_REGION": "eu-west-1"}).region == "eu-west-1"
    folder = resolve_store("folder", ENTERPRISE)
    assert (folder.api_key, folder.host_override) == (None, None)


def test_a_tilde_is_the_home_folder():
    assert resolve_store("~/metrics", {}).uri == str(Path.home() / "metrics")


def test_an_unknown_home_folder_is_an_error():
    with pytest.raises(UsageError, match=r"^--db ~nosuchuser/db: "):
        resolve_store("~nosuchuser/db", {})


@pytest.mark.parametrize(
    ("option", "env", "absent"),
    [
        (None, {"LANCEDB_API_KEY": KEY}, "LANCEDB_HOST_OVERRIDE"),
        (None, {"LANCEDB_HOST_OVERRIDE": HOST}, "LANCEDB_API_KEY"),
        ("db://mine", {"LANCEDB_API_KEY": KEY}, "LANCEDB_HOST_OVERRIDE"),
        ("db://mine", {"LANCEDB_HOST_OVERRIDE": HOST}, "LANCEDB_API_KEY"),
        ("db://mine", {}, "LANCEDB_API_KEY"),
        (None, {"CMETRICS_DB": "db://mine"}, "LANCEDB_API_KEY"),
    ],
)
def test_an_incomplete_enterprise_configuration_names_the_missing_variable(option, env, absent):
    with pytest.raises(UsageError, match=rf"^{absent} is not set") as caught:
        resolve_store(option, env)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "host",
    [
        "cluster.example.com",
        "cluster.example.com:443",
        "ftp://cluster",
        "https://",
        "https:///x",
        "/x",
        "//h",
        "http:h",
        "https://[bad",
        "https://h:port",
        "https://h:70000",
    ],
)
def test_an_invalid_host_names_its_variable(host):
    with pytest.raises(UsageError, match=r"^LANCEDB_HOST_OVERRIDE is .* not an absolute http"):
        resolve_store(None, ENTERPRISE | {"LANCEDB_HOST_OVERRIDE": host})


@pytest.mark.parametrize("host", ["http://localhost:8080", "https://[::1]:443", "HTTPS://cluster/path"])
def test_an_absolute_url_is_used_unchanged(host):
    assert resolve_store(None, ENTERPRISE | {"LANCEDB_HOST_OVERRIDE": host}).host_override == host


# -- environment and .env ------------------------------------------------------------------------


def test_defaults(here):
    found = load_settings(directory=here)
    assert (found.store.kind, found.store.uri) == (StoreKind.EMBEDDED, "data/lancedb")
    assert (found.catalog, secret(found.github_token)) == (None, None)


def test_a_dotenv_file_sets_variables(here):
    dotenv(here, GITHUB_TOKEN="'from file'", CMETRICS_DB="folder # not a part of it")
    found = load_settings(directory=here)
    assert (secret(found.github_token), found.store.uri) == ("from file", "folder")


def test_the_environment_wins_over_a_dotenv_file(here, monkeypatch):
    dotenv(here, GITHUB_TOKEN="file", CMETRICS_DB="file")
    monkeypatch.setenv("GITHUB_TOKEN", "environment")
    found = load_settings(directory=here)
    assert (secret(found.github_token), found.store.uri) == ("environment", "file")


def test_an_option_wins_over_the_environment(here, monkeypatch):
    monkeypatch.setenv("CMETRICS_DB", "environment")
    assert load_settings(db="option", directory=here).store.uri == "option"


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_variable_is_not_set(here, monkeypatch, empty):
    for name in VARIABLES:
        monkeypatch.setenv(name, empty)
    assert load_settings(directory=here).store.uri == "data/lancedb"
    dotenv(here, GITHUB_TOKEN="file", LANCEDB_API_KEY="", CMETRICS_CONFIG="")
    assert secret(load_settings(directory=here).github_token) == "file"
    dotenv(here, GITHUB_TOKEN="")
    assert secret(load_settings(directory=here).github_token) is None


def test_values_are_stripped(here, monkeypatch):
    monkeypatch.setenv("GITHUB_TOKEN", " token\n")
    assert secret(load_settings(directory=here).github_token) == "token"


def test_a_dotenv_file_does_not_change_the_environment(here):
    dotenv(here, GITHUB_TOKEN="file", CMETRICS_TEST_OTHER="x")
    before = dict(os.environ)
    load_settings(directory=here)
    assert dict(os.environ) == before


def test_environment_and_dotenv_file_are_combined(here, monkeypatch):
    dotenv(here, LANCEDB_API_KEY=KEY)
    with pytest.raises(UsageError, match=r"^LANCEDB_HOST_OVERRIDE is not set"):
        load_settings(directory=here)
    monkeypatch.setenv("LANCEDB_HOST_OVERRIDE", HOST)
    assert load_settings(directory=here).store.kind is StoreKind.ENTERPRISE


def test_a_dotenv_file_that_is_not_utf_8_is_rejected(here):
    (here / ".env").write_bytes(b"GITHUB_TOKEN=caf\xe9\n")
    with pytest.raises(UsageError, match=r"\.env: cannot be read"):
        load_settings(directory=here)


# -- catalogue -----------------------------------------------------------------------------------


def test_the_catalogue_is_from_option_then_variable_then_folder_then_package(here, monkeypatch):
    option, variable, local = (here / name for name in ("option.toml", "variable.toml", "cmetrics.toml"))
    for path in (option, variable, local):
        path.touch()
    monkeypatch.setenv("CMETRICS_CONFIG", str(variable))
    assert load_settings(config=option, directory=here).catalog == option
    assert load_settings(directory=here).catalog == variable
    monkeypatch.delenv("CMETRICS_CONFIG")
    assert load_settings(directory=here).catalog == local
    local.unlink()
    assert load_settings(directory=here).catalog is None


def test_a_missing_catalogue_names_the_option_or_variable(here, monkeypatch):
    with pytest.raises(UsageError, match=r"^--config: file not found: .*absent\.toml"):
        load_settings(config=here / "absent.toml", directory=here)
    monkeypatch.setenv("CMETRICS_CONFIG", str(here))
    with pytest.raises(UsageError, match=r"^CMETRICS_CONFIG: this is a folder"):
        load_settings(directory=here)


def test_a_catalogue_name_that_is_too_long_is_not_found(here, monkeypatch):
    named = here / ("x" * 300)
    with pytest.raises(UsageError, match=r"^--config: file not found"):
        load_settings(config=named, directory=here)
    monkeypatch.setenv("CMETRICS_CONFIG", str(named))
    with pytest.raises(UsageError, match=r"^CMETRICS_CONFIG: file not found"):
        load_settings(directory=here)


# -- secrets -------------------------------------------------------------------------------------


def test_secrets_are_registered_and_are_in_no_repr(here, monkeypatch):
    for name, value in (ENTERPRISE | {"GITHUB_TOKEN": "ghp_t0k3n"}).items():
        monkeypatch.setenv(name, value)
    found = load_settings(directory=here)
    assert redact(f"{KEY} ghp_t0k3n") == "*** ***"
    for text in (repr(found), str(found), repr(found.store), found.store.label):
        assert KEY not in text
        assert "ghp_t0k3n" not in text


def test_a_label_has_no_password():
    host = "https://user:passw0rd@cluster.example.com"
    label = resolve_store(None, ENTERPRISE | {"LANCEDB_HOST_OVERRIDE": host}).label
    assert label == "db://community-metrics at https://***@cluster.example.com (LanceDB Enterprise)"
    assert resolve_store("s3://id:passw0rd@bucket/x", {}).label == "s3://***@bucket/x (object store)"
    assert resolve_store(None, {}).label == "data/lancedb (embedded)"


# -- cache ---------------------------------------------------------------------------------------


def test_the_cache_folder_is_from_the_variable_or_the_platform(here, monkeypatch):
    monkeypatch.delenv("CMETRICS_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(here))
    monkeypatch.setattr("sys.platform", "linux")
    assert load_settings(directory=here).cache == here / ".cache" / "cmetrics"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/ignored")
    assert load_settings(directory=here).cache == here / ".cache" / "cmetrics"
    monkeypatch.setenv("XDG_CACHE_HOME", str(here / "xdg"))
    assert load_settings(directory=here).cache == here / "xdg" / "cmetrics"
    (here / ".env").write_text("CMETRICS_CACHE=~/mine\n")
    assert load_settings(directory=here).cache == here / "mine"


def test_the_workflow_name_is_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for ref, name in (
        ("o/r/.github/workflows/metrics.yaml@refs/heads/main", "metrics.yaml"),
        ("o/r/.github/workflows/../../x@refs/heads/a.yml", "nightly.yml"),
        ("", "nightly.yml"),
    ):
        monkeypatch.setenv("GITHUB_WORKFLOW_REF", ref)
        assert load_settings(directory=tmp_path).workflow == name


def test_switches_are_on_or_off_and_the_webhook_is_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CMETRICS_WEBHOOK_URL", "https://hooks.example.com/abc")
    for word, is_on in (("on", True), ("OFF", False), ("0", False), ("true", True)):
        monkeypatch.setenv("CMETRICS_ALERTS", word)
        assert load_settings(directory=tmp_path).alerts is is_on
    settings = load_settings(directory=tmp_path)
    assert redact("to https://hooks.example.com/abc") == "to ***"
    assert "hooks.example.com" not in repr(settings)
    monkeypatch.setenv("CMETRICS_ALERTS", "maybe")
    with pytest.raises(UsageError, match="CMETRICS_ALERTS"):
        load_settings(directory=tmp_path)


# -- any environment -----------------------------------------------------------------------------

ANY_VALUE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30) | st.sampled_from(
    [" ", "db://", "s3://", "~nobody/x", "https://", "http://[::1", "https://a b", "on", "2", "..", "/dev/null"]
)


@settings(max_examples=deep(200), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.dictionaries(st.sampled_from(VARIABLES), ANY_VALUE), written=st.text(max_size=80) | st.none())
def test_any_environment_gives_settings_or_a_usage_error(here, monkeypatch, values, written):
    monkeypatch.chdir(here)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in values.items():
        monkeypatch.setenv(name, KEY + value if name in {"LANCEDB_API_KEY", "GITHUB_TOKEN"} else value)
    (here / ".env").write_bytes((written or "").encode(errors="surrogatepass"))
    try:
        found = load_settings()
    except UsageError as mistake:
        assert str(mistake)
        return
    assert KEY not in repr(found)


# -- warnings ------------------------------------------------------------------------------------


def test_an_invalid_line_of_a_dotenv_file_is_a_warning(here, capfd):
    """The warning names file and line; python-dotenv's own warning is not shown."""
    (here / ".env").write_text('CMETRICS_DB=folder\n\nGITHUB_TOKEN="open\nLANCEDB_REGION=x\n')
    found = load_settings(directory=here)
    assert found.store.uri == "folder"
    assert found.github_token is None
    (warning,) = found.warnings
    assert warning.startswith(".env, line 3: ignored, because it is not of the form `NAME=value`")
    assert capfd.readouterr().err == ""


def test_a_misspelled_variable_is_a_warning(here, monkeypatch):
    """The warning suggests a known variable; variables of other programs are ignored."""
    dotenv(here, OTHER="1", CMETRICS_CONFG="x")
    monkeypatch.setenv("CMETRICS_WEBHOOK", "https://hooks.example.com/secret")
    in_file, in_environment = load_settings(directory=here).warnings
    assert in_file == "CMETRICS_CONFG in .env, line 2 is not a known variable; did you mean CMETRICS_CONFIG?"
    assert in_environment.startswith("CMETRICS_WEBHOOK in the environment is not")
    assert "did you mean CMETRICS_WEBHOOK_URL?" in in_environment
    assert "hooks" not in in_environment


@pytest.mark.parametrize("inside", ["\n", "\r", "\v", "\x00", "\u200b", "é", "\x7f"])
def test_an_unsendable_token_is_ignored(here, inside):
    """The run continues without it and prints a warning that names the variable, but no part of the value."""
    variables = Environment(GITHUB_TOKEN=SecretStr(f"ghp_First{inside}Second"))
    token, (warning,) = _sendable_token("GITHUB_TOKEN", variables.github_token)
    assert token is None
    assert warning.startswith("GITHUB_TOKEN is ignored: ")
    assert not [half for half in ("First", "Second") if half in warning]


@pytest.mark.parametrize("inside", ["\n", "\u200b"])
def test_an_unsendable_cluster_key_is_an_error(inside):
    """The store cannot be read without a key; the error names the variable, but no part of the value."""
    with pytest.raises(UsageError, match=r"^LANCEDB_API_KEY contains a line break") as caught:
        resolve_store(None, ENTERPRISE | {"LANCEDB_API_KEY": f"sk-First{inside}Second"})
    assert not [half for half in ("First", "Second") if half in str(caught.value)]
    # A folder needs no key.
    assert resolve_store("folder", {"LANCEDB_API_KEY": f"sk{inside}x"}).uri == "folder"


# -- variables of other programs -----------------------------------------------------------------


def test_a_dotenv_file_may_contain_the_key_of_a_bucket(here, monkeypatch):
    """It is passed to the store and registered as a secret, but not set in the environment, which has precedence."""
    monkeypatch.setenv("AWS_REGION", "from-environment")
    dotenv(here, AWS_SECRET_ACCESS_KEY="s3cr3t/of+the/bucket", AWS_REGION="from-file", CMETRICS_DB="s3://bucket/x")
    found = load_settings(directory=here)
    assert found.store.options == {"aws_secret_access_key": "s3cr3t/of+the/bucket"}
    assert redact("s3cr3t/of+the/bucket s3cr3t%2Fof%2Bthe%2Fbucket") == "*** ***"
    assert "s3cr3t" not in repr(found)
    assert "AWS_SECRET_ACCESS_KEY" not in os.environ
    assert load_settings(db="folder", directory=here).store.options == {}


def test_a_profile_in_a_dotenv_file_is_a_warning(here):
    """Only the library of the cloud reads it, from the environment."""
    dotenv(here, AWS_PROFILE="mine", CMETRICS_DB="s3://bucket/x")
    found = load_settings(directory=here)
    assert found.warnings == ("AWS_PROFILE in .env has no effect: set it in the process environment",)


def test_a_dotenv_file_may_set_proxy_and_certificates(here, monkeypatch):
    """Each is passed on with its variable. The environment has precedence, lower case before upper case."""
    dotenv(here, HTTPS_PROXY="http://u:hunter2secret@file:1", NO_PROXY="a.example", SSL_CERT_FILE="/file.pem")
    found = load_settings(directory=here).network
    (proxy,) = found.proxies
    assert (proxy.scheme, proxy.variable) == ("https", "HTTPS_PROXY")
    assert secret(proxy.url) == "http://u:hunter2secret@file:1"
    assert (found.no_proxy, found.cert_file) == ("a.example", "/file.pem")
    assert redact("hunter2secret") == "***"
    assert "hunter2secret" not in repr(found)
    monkeypatch.setenv("HTTPS_PROXY", "http://upper:1")
    monkeypatch.setenv("https_proxy", "http://lower:1")
    assert [secret(proxy.url) for proxy in load_settings(directory=here).network.proxies] == ["http://lower:1"]


def test_secrets_of_unused_variables_are_redacted(here, monkeypatch):
    """The error text of a library may contain anything from the environment."""
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session-t0ken")
    monkeypatch.setenv("GH_TOKEN", "gho_0123456789")
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_environment")
    dotenv(here, GITHUB_TOKEN="ghp_in_the_file")
    load_settings(directory=here)
    assert redact("session-t0ken gho_0123456789 ghp_environment ghp_in_the_file") == "*** *** *** ***"


def test_the_query_of_a_url_is_not_shown():
    """It may contain a key. In the name of a folder, a question mark has no special meaning."""
    target = resolve_store("s3://bucket/x?secret_key=S3cretS3cret&region=eu", {})
    assert target.label == "s3://bucket/x (object store)"
    assert redact("S3cretS3cret") == "***"
    assert resolve_store("what?/db", {}).label == "what?/db (embedded)"


def test_without_a_home_folder_there_is_no_cache(here, monkeypatch):
    """This happens in a container whose user has no entry; no folder named `~` is created."""
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("HOME", raising=False)

    def unknown(number: int) -> None:
        raise KeyError(number)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    found = load_settings(db="s3://bucket/x", directory=here)
    assert (found.cache, found.store.locks) == (None, None)
