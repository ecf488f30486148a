# docker build --build-arg VERSION="$(git describe --tags --abbrev=0 | cut -c2-)" -t cmetrics .
# .dockerignore limits the build context.
FROM python:3.12-slim AS build
ARG VERSION=0.1.0.dev0
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY cmetrics cmetrics
COPY templates templates
# The build context has no git history from which the version could be derived.
RUN SETUPTOOLS_SCM_PRETEND_VERSION="$VERSION" pip wheel --no-deps --wheel-dir /wheel .
# Installs only the wheel and its dependencies, without pip.
RUN python -m venv --without-pip /opt/cmetrics \
    && pip --python /opt/cmetrics/bin/python install "$(echo /wheel/*.whl)[api]"

FROM python:3.12-slim
# git: for pull-data and push-data.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates git && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --home-dir /data --create-home cmetrics
COPY --from=build /opt/cmetrics /opt/cmetrics
ENV PATH=/opt/cmetrics/bin:$PATH PYTHONUNBUFFERED=1 CMETRICS_CACHE=/data/cache
USER cmetrics
WORKDIR /data
VOLUME /data
EXPOSE 8000
ENTRYPOINT ["cmetrics"]
CMD ["refresh"]
