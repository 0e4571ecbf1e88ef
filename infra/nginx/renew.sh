#!/bin/sh
# Started before Nginx: has it read its certificate and the CA of the shop anew when others lie there, as those of a Secret do once it
# was renewed. What Nginx cannot read it leaves, and goes on with what it has.
set -eu
of_files() { cat "$NEXUS_CERTIFICATE" "$NEXUS_CERTIFICATE_KEY" "$NEXUS_SHOP_CA" | cksum; }
look() {
  while sleep "${LOOK_EVERY_SECONDS:-60}"; do
    found=$(of_files) || continue
    [ "$found" = "$known" ] || ! kill -HUP "$(cat "$NEXUS_RUN/nginx.pid")" || known=$found
  done
}
known=$(of_files)
look &
