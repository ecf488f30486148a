# Recipes of this project. `just` lists them; each command also works without just.

uv := "uv run --group dev"

# List the recipes.
default:
    @just --list

# Format the code.
format:
    {{uv}} ruff format .

# Run formatter, linter, type checker, import contracts and the check of the workflows.
lint:
    {{uv}} ruff format --check .
    {{uv}} ruff check .
    {{uv}} mypy
    {{uv}} lint-imports
    {{uv}} zizmor --offline --quiet .github/workflows action.yml

# Run all tests, or the given ones.
test *tests:
    {{uv}} pytest {{tests}}

# Run all checks of CI.
check:
    bash .ci/run

# Update the generated parts of the reference, and build the documentation.
docs:
    {{uv}} python -m tests.docs --write
    {{uv}} zensical build --strict

# Measure time, memory and requests.
bench *parts:
    {{uv}} python -m tests.bench {{parts}}

# Build wheel and source distribution, and check their metadata.
build:
    uv build --clear
    uvx "twine>=6.1,<7" check --strict dist/*.whl dist/*.tar.gz

# Build a site with sample data.
demo:
    uv run cmetrics demo
