# An image that holds the exporter, the certificates of public authorities, and nothing else: no shell, no user but 65532.
#
#   docker build -t payple_exporter .          (or buildah bud, or podman build)
#
# --build-arg GO_IMAGE=…   another Go image, such as a mirror's
# --build-arg GOPROXY=…    another source of Go modules
# --build-arg VERSION=… REVISION=… BRANCH=… BUILD_DATE=…   what --version and payple_exporter_build_info tell
# --platform linux/arm64   another architecture; nothing is emulated
#
# The same sources, arguments and Go image give the same image, to the byte, if nothing of it tells the time of the build: name the Go
# image by its digest, take BUILD_DATE from the commit, and let the builder set the files' times too:
#
#   buildah bud --timestamp "$(git show --no-patch --format=%ct)" …
#   docker buildx build --build-arg SOURCE_DATE_EPOCH="$(git show --no-patch --format=%ct)" --output type=image,rewrite-timestamp=true …

ARG GO_IMAGE=docker.io/library/golang:1.26

# Compiles on the machine's own architecture, for the architecture asked for.
FROM --platform=${BUILDPLATFORM} ${GO_IMAGE} AS build
WORKDIR /src
COPY . .
ARG GOPROXY
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=dev
ARG REVISION=unknown
ARG BRANCH=unknown
ARG BUILD_DATE=unknown
RUN --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/root/.cache/go-build \
    info=github.com/prometheus/common/version && \
    CGO_ENABLED=0 GOOS="${TARGETOS}" GOARCH="${TARGETARCH}" \
    go build -trimpath -buildvcs=false -o /payple_exporter -ldflags "-s -w \
      -X ${info}.Version=${VERSION} -X ${info}.Revision=${REVISION} -X ${info}.Branch=${BRANCH} \
      -X ${info}.BuildUser=image -X ${info}.BuildDate=${BUILD_DATE}" .

FROM scratch
ARG VERSION=dev
ARG REVISION=unknown
ARG BUILD_DATE=unknown
LABEL org.opencontainers.image.title="payple_exporter" \
      org.opencontainers.image.description="Prometheus exporter of how much a Payple partner may still pay out" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${BUILD_DATE}"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /payple_exporter /payple_exporter
USER 65532:65532
EXPOSE 10911
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
  CMD ["/payple_exporter", "healthcheck"]
ENTRYPOINT ["/payple_exporter"]
