# One image for web, worker and beat: every package by its hash, nothing to build, no root.
#
# The default holds PyTorch with CUDA. The CPU image is smaller by gigabytes and needs to be told
# where PyTorch keeps its CPU wheels; their hashes are in the lock file all the same:
#   docker build --build-arg LOCK=requirements-cpu.lock --build-arg TORCH_INDEX=<PyTorch's CPU index> .

ARG PYTHON_IMAGE=python:3.11-slim
FROM ${PYTHON_IMAGE} AS packages
ARG LOCK=requirements.lock
ARG TORCH_INDEX
COPY requirements*.lock /
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --require-hashes --only-binary :all: \
        ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} --requirement "/$LOCK"

FROM ${PYTHON_IMAGE}
# 10001 is nobody on the host, whatever runs there.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin featherweight \
    && install -d -o featherweight -g featherweight /data /data/files /data/cache /data/spool /data/front /data/keys
COPY --from=packages /venv /venv
WORKDIR /app
COPY . .
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    FILES_DIR=/data/files CACHE_DIR=/data/cache KEYS_DIR=/data/keys STATIC_ROOT=/app/static-collected
RUN python -m compileall -q leaderboard scoring \
    && SECRET_KEY=not-kept python manage.py collectstatic --noinput
# What every report names as the program that measured: a digest, or the revision it was built from.
ARG FEATHERWEIGHT_IMAGE=unknown
ENV FEATHERWEIGHT_IMAGE=$FEATHERWEIGHT_IMAGE
USER 10001:10001
EXPOSE 8000
CMD ["gunicorn", "leaderboard.wsgi", "--bind=0.0.0.0:8000", "--threads=8"]
