#!/bin/sh
# Before Nginx is told to end: sh drain.sh SECONDS. It answers on for so long, until all balancers have heard that it leaves; then
# it ends what is under way, and so does this. SIGTERM would cut that off.
set -eu
pid=${NEXUS_RUN:-/run/nginx}/nginx.pid
sleep "$1"
kill -QUIT "$(cat "$pid")"
while [ -e "$pid" ]; do sleep 1; done
