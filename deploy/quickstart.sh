#!/bin/bash
# quickstart.sh [--once] [--live] - installs what is missing, builds, shows the main job.
#
#   Without SENDKIT_API_KEY: a SendKit of our own on loopback, some thirty conversations,
#   their replies as signed webhooks, every decision, then a table. Stays up until Ctrl-C;
#   --once ends after the table, with exit code 0 only if every conversation ended as it
#   should.
#   With SENDKIT_API_KEY and SENDKIT_WEBHOOK_SECRET set: serves the real API in shadow mode
#   (nothing is marked; --live marks) and says what URL to register.
set -euo pipefail
cd "$(dirname "$0")/.."

once='' live=''
for word in "$@"; do
    case $word in
    --once) once=--once ;;
    --live) live=1 ;;
    *)
        sed -n '2,10s/^# \{0,1\}//p' "$0" >&2
        exit 2
        ;;
    esac
done

./deploy/install-packages.sh build demo
echo "building (the first time takes a minute) ..."
log=$(mktemp)
if ! { cmake -S . -B build && cmake --build build -j "$(nproc)"; } >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    echo "the build failed; the whole log: $log" >&2
    exit 3
fi
rm -f "$log"

if [ -z "${SENDKIT_API_KEY-}" ]; then
    [ -z "$live" ] || { echo "--live needs SENDKIT_API_KEY and SENDKIT_WEBHOOK_SECRET" >&2; exit 2; }
    exec python3 deploy/quickstart.py build $once
fi

[ -n "${SENDKIT_WEBHOOK_SECRET-}" ] || {
    echo "SENDKIT_WEBHOOK_SECRET is not set: the secret of the webhook that SendKit shows when you create it" >&2
    exit 2
}
state=${XDG_STATE_HOME:-$HOME/.local/state}/automark
mkdir -p "$state"
listen=${AUTOMARK_LISTEN:-127.0.0.1:8085}
mode=shadow
[ -z "$live" ] || mode=live
cat <<WORDS
Serving SendKit's API in $mode mode$([ -n "$live" ] || echo ": decisions are made and recorded, nothing is marked").
Register this URL as a webhook for email.replied and email.positive_reply, with https in
front (a proxy or tunnel that leads to $listen):
    https://YOUR-HOST/hooks/default
Queue and decisions: $state/automark.db
WORDS
exec build/automark serve --listen "$listen" --store "sqlite:$state/automark.db" --rules rules --mode "$mode"
