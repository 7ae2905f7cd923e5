# The host, in two stages: what builds it is not in what runs it.
FROM rust:1.95-bookworm AS build
WORKDIR /source
COPY . .
RUN cargo build --release --locked -p servertree-host

FROM debian:bookworm-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/servertree --create-home servertree \
 && chmod 0700 /var/lib/servertree
COPY --from=build /source/target/release/servertree /usr/local/bin/servertree
USER servertree
WORKDIR /var/lib/servertree
ENV SERVERTREE_DATA__FOLDER=/var/lib/servertree
VOLUME /var/lib/servertree
ENTRYPOINT ["servertree"]
