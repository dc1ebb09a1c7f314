#!/bin/sh
# Submit model.pt, wait for the verdict, and exit with 0 only where the score is at most MAX_SCORE.
# Needs curl and jq, and in the environment:
#   FEATHERWEIGHT_URL    address of the server, like https://featherweight.example.org
#   FEATHERWEIGHT_TOKEN  API token of your profile page
#   COMPETITION          as it stands in the competition's address
#   MAX_SCORE            like 0.95; lower scores are better
# Optional: MODEL (model.pt), NOTE (for your team), RUN (the same for a repeated run).
set -eu

answer=$(mktemp)
trap 'rm -f "$answer"' EXIT

ask() {
    curl -sS --fail-with-body --retry 3 -o "$answer" \
        -H "Authorization: Token $FEATHERWEIGHT_TOKEN" "$@" || { cat "$answer"; exit 1; }
}

ask -F "file=@${MODEL:-model.pt}" --form-string "note=${NOTE:-}" \
    -H "Idempotency-Key: ${RUN:-$(date +%s)-$$}" \
    "$FEATHERWEIGHT_URL/api/v2/competitions/$COMPETITION/submissions"
url=$(jq -r .url "$answer")
while jq -e '.state == "queued" or .state == "running"' "$answer" >/dev/null; do
    sleep 2
    ask "$url?wait=50"
done
jq '{page, state, failure, error, score, quality, time_ratio, half_width}' "$answer"
jq -e --argjson most "$MAX_SCORE" '.state == "scored" and .score.score <= $most' "$answer" >/dev/null
