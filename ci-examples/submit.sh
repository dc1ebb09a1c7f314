#!/bin/sh
# Submit model.pt, wait for the verdict, and exit with 0 only where the score is good enough.
# Needs curl and jq, and in the environment:
#   FEATHERWEIGHT_URL    address of the server, like https://featherweight.example.org
#   FEATHERWEIGHT_TOKEN  API token of your profile page
#   COMPETITION          as it stands in the competition's address
# Optional:
#   MAX_SCORE  fail above this score, like 0.95; lower scores are better
#   BRANCH     of your repository; scores are compared within it
#   NO_WORSE   true: fail if the model is worse than the branch's best by more than the noise of the
#              clock, or than your team's best where the branch has no score yet; one below the gate
#              is worse than any that passes it
#   SUMMARY    a file that gets the verdict in Markdown, for a comment on a pull request
#   MODEL (model.pt), NOTE (for your team), RUN (the same for a repeated run)
set -eu

answer=$(mktemp)
trap 'rm -f "$answer"' EXIT

ask() {
    curl -sS --fail-with-body --retry 3 -o "$answer" \
        -H "Authorization: Token $FEATHERWEIGHT_TOKEN" "$@" || { cat "$answer"; exit 1; }
}

ask -F "file=@${MODEL:-model.pt}" --form-string "note=${NOTE:-}" \
    --form-string "branch=${BRANCH:-}" \
    -H "Idempotency-Key: ${RUN:-$(date +%s)-$$}" \
    "$FEATHERWEIGHT_URL/api/v2/competitions/$COMPETITION/submissions"
url=$(jq -r .url "$answer")
while jq -e '.state == "queued" or .state == "running"' "$answer" >/dev/null; do
    sleep 2
    ask "$url?wait=50"
done
jq '{page, state, failure, error, score, quality, time_ratio, half_width}' "$answer"

# Advice names other teams. As code their names mention nobody and load no picture.
four='def four: . * 10000 | round / 10000;'
quoted='def quoted: "`" + (split("`") | join("\u2019")) + "`";'
than='def than($best): if .compared == "same" then "the same score as \($best)"
    else "\(.compared) than \($best)" + (if .change then
        " by \(.change | fabs | four)" else ", by the gate" end) end;'
if [ -n "${SUMMARY:-}" ]; then
    board="$FEATHERWEIGHT_URL/competitions/$COMPETITION/boards/public/"
    jq -r --arg board "$board" "$four $quoted $than"'
        if .score then
            "**Featherweight: \(.score.score | four) ± \(.score.half_width | four)** (lower is better)",
            "",
            (.prospect // {} | [
                (select(.rank) | "rank \(.rank) of \(.ranked)"),
                (select(.compared) | than("your best")),
                (.in_branch // empty | than("the best of the branch"))
            ] | join(", ")),
            (.prospect.advice // [] | .[] | "- " + quoted)
        else
            "**Featherweight: \(.state)** \(.failure.message // .error)"
        end,
        "", "[The submission](\(.page)), [its measurement](\(.measurement_page))" + (if .score then
            ", [the plot of the board](\($board)?team=\(.team.id)#plot)" else "" end)
        ' "$answer" >>"$SUMMARY"
fi

jq -e --arg most "${MAX_SCORE:-}" \
    '.state == "scored" and ($most == "" or (.score and .score.score <= ($most | tonumber)))' \
    "$answer" >/dev/null
if [ "${NO_WORSE:-}" = true ]; then
    jq -e '(.prospect.in_branch // .prospect) | (.is_clear == true and .compared == "worse") | not' \
        "$answer" >/dev/null
fi
