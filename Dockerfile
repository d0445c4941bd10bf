# One image for the service, the page, batch work and registered models. docs/serving.md shows each.
#
#   docker build -t colorizer .                          the weights that ship, by ONNX Runtime
#   docker build -t colorizer --build-arg RUNTIME=cpu --build-arg PIP_EXTRA_INDEX_URL=... .
#                                                        PyTorch and MLflow too: registered models
#   docker build -t colorizer --build-arg RUNTIME=cuda . the same with PyTorch's build for NVIDIA GPUs

FROM python:3.11-slim-bookworm AS build
ARG RUNTIME=onnx
# pip reads it: where PyTorch's CPU builds are
ARG PIP_EXTRA_INDEX_URL=""
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/colorizer
ENV PATH=/opt/colorizer/bin:$PATH
WORKDIR /build
COPY requirements.lock ./
RUN case "$RUNTIME" in \
        onnx) ;; \
        cpu) test -n "$PIP_EXTRA_INDEX_URL" || { echo "PIP_EXTRA_INDEX_URL is empty: name the index of PyTorch's CPU builds" >&2; exit 1; }; \
            pip install --constraint requirements.lock torch ;; \
        cuda) pip install --constraint requirements.lock torch ;; \
        *) echo "RUNTIME is $RUNTIME: choose onnx, cpu or cuda" >&2; exit 1 ;; \
    esac
COPY pyproject.toml README.md LICENSE ./
COPY models/pretrained/colorizer.onnx models/pretrained/colorizer.safetensors models/pretrained/
COPY src src
RUN extras=serve,web; \
    if [ "$RUNTIME" != onnx ]; then extras=$extras,pipeline; fi; \
    pip install --constraint requirements.lock ".[$extras]"

FROM python:3.11-slim-bookworm
COPY --from=build /opt/colorizer /opt/colorizer
ENV PATH=/opt/colorizer/bin:$PATH \
    DVC_NO_ANALYTICS=1 \
    GIT_PYTHON_REFRESH=quiet \
    MLFLOW_DISABLE_TELEMETRY=true \
    NUMBA_CACHE_DIR=/var/cache/colorizer \
    PYTHONUNBUFFERED=1
RUN useradd --uid 10001 --create-home colorizer \
    && install -d -o colorizer -m 1777 "$NUMBA_CACHE_DIR"
USER 10001
WORKDIR /home/colorizer
# compiles the loops over pixels, and shows that the image colors; `--user` may be anybody
RUN printf 'P5 8 8 255 %064d' 0 > gray.pgm \
    && colorize gray.pgm --model shipped \
    && rm gray*.p?? \
    && chmod -R a+rwX "$NUMBA_CACHE_DIR"
EXPOSE 8000
# whatever is served answers, be it that a token is missing
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["python", "-c", "\
import http.client, sys; \
server = http.client.HTTPConnection('127.0.0.1', 8000, timeout=4); \
server.request('GET', '/health'); \
sys.exit(server.getresponse().status >= 500)"]
CMD ["colorizer", "serve", "--model", "shipped", "--host", "0.0.0.0", "--port", "8000"]
