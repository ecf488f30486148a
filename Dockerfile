# docker build -t cmetrics .
# .dockerignore lists what reaches the build.
FROM python:3.12-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY cmetrics cmetrics
COPY templates templates
RUN python -m venv /opt/cmetrics && /opt/cmetrics/bin/pip install --no-cache-dir --disable-pip-version-check '.[api]'

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
