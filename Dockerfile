# The image of every shadowpoints service; the command line is its entry point.
FROM python:3.12-slim AS build

WORKDIR /src
COPY requirements.lock ./
RUN pip wheel --no-cache-dir --require-hashes --wheel-dir /wheels -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY schemas ./schemas
COPY stream ./stream
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .
# Installed here, so that the wheels take no room in the final image.
RUN python -m venv /opt/shadowpoints \
    && /opt/shadowpoints/bin/pip install --no-cache-dir --no-index --no-deps /wheels/*.whl


FROM python:3.12-slim

RUN useradd --system --no-create-home --uid 10001 shadowpoints
COPY --from=build /opt/shadowpoints /opt/shadowpoints
ENV PATH=/opt/shadowpoints/bin:$PATH PYTHONUNBUFFERED=1
WORKDIR /tmp
USER 10001
ENTRYPOINT ["shadowpoints"]
CMD ["--help"]
