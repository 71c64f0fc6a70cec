#!/usr/bin/env bash
# demo.sh: what `make demo` shows. Starts the daemon with its defaults on a database of its own, loads the example series, trains a model on each
# set with a progress bar, prints a forecast table with 80 and 95 intervals and small plots, and says where the dashboard is. On a terminal it
# then stays in front until Ctrl-C; else it stops the daemon and exits 0. Any step that fails ends it with the reason and the daemon's log.
#
# Needs what `make deps` installs and nothing else: bash, curl, awk, sed. FORECASTD: the program; DEMO_DIR: where the database and logs go.
set -euo pipefail
cd "$(dirname "$0")/.."
program=${FORECASTD:-build/forecastd}
dir=${DEMO_DIR:-build/demo}
daemon=
terminal=false
if [ -t 0 ] && [ -t 1 ]; then terminal=true; fi

fail() {
    printf '\ndemo: %s\n' "$1" >&2
    if [ -s "$dir/log" ]; then printf 'the last lines of %s/log:\n' "$dir" >&2; tail -n 15 "$dir/log" >&2; fi
    exit 1
}

# shellcheck disable=SC2317 # called by the trap
stop_daemon() {
    if [ -n "$daemon" ]; then
        kill -TERM "$daemon" 2>/dev/null || true
        wait "$daemon" 2>/dev/null || true
        daemon=
    fi
}
trap stop_daemon EXIT
trap 'echo; echo "demo: stopping"; exit 0' INT TERM HUP

# ---- the daemon ----

port_is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

start_daemon() {
    local listen=() tries=0 variable
    mkdir -p "$dir"
    rm -f "$dir"/{forecastd.db,forecastd.db-wal,forecastd.db-shm,out,log,answer,headers,history,forecast}
    for variable in "${!FORECASTD_@}"; do unset "$variable"; done # the defaults, whatever the caller has set
    if port_is_taken 8077; then
        echo "Port 8077 is taken; using a free one."
        listen=(--listen 127.0.0.1:0)
    fi
    # A session of its own: Ctrl-C reaches this script alone, which then stops the daemon in order.
    setsid "$program" --database "$dir/forecastd.db" "${listen[@]}" >"$dir/out" 2>"$dir/log" </dev/null &
    daemon=$!
    until grep -q '^listening on ' "$dir/out"; do
        kill -0 "$daemon" 2>/dev/null || { daemon=; fail "$program did not start"; }
        tries=$((tries + 1))
        if [ "$tries" -gt 300 ]; then fail "$program did not say within 30 s that it listens"; fi
        sleep 0.1
    done
    base=$(sed -n 's/^listening on //p' "$dir/out")
    echo "Started $program: $base"
}

# request METHOD PATH [CURL ARGUMENTS]: the body goes to $dir/answer, the headers to $dir/headers; an error status ends the demo.
request() {
    local method=$1 path=$2
    shift 2
    if ! curl -sS --noproxy '*' --max-time 60 --fail-with-body -X "$method" -D "$dir/headers" -o "$dir/answer" "$@" "$base$path" 2>"$dir/curl"; then
        fail "$method $path failed: $(cat "$dir/curl") $(cat "$dir/answer" 2>/dev/null)"
    fi
}

# field NAME: the first value of that name in the JSON answer, without quotes; enough for the flat documents read here.
field() { tr ',{}' '\n' <"$dir/answer" | sed -n "s/^[[:space:]]*\"$1\"[[:space:]]*:[[:space:]]*\"\{0,1\}\([^\"]*\).*/\1/p" | sed -n 1p; }

# ---- training ----

# start_training NAME SERIES HORIZON: sets job to the path of the new job.
start_training() {
    request POST /v1/models -H 'Content-Type: application/json' -d "{\"name\":\"$1\",\"series\":$2,\"horizon\":$3}"
    job=$(tr -d '\r' <"$dir/headers" | sed -n 's/^[Ll]ocation: *//p')
    if [ -z "$job" ]; then fail "POST /v1/models gave no Location: $(cat "$dir/answer")"; fi
}

# bar PERCENT: thirty cells.
bar() { awk -v p="$1" 'BEGIN { n = int(p * 30 / 100); for (i = 0; i < 30; i++) printf "%s", i < n ? "#" : "-" }'; }

# show_progress NAME PERCENT: from the job in the answer.
show_progress() {
    local eta loss
    eta=$(field eta_seconds) loss=$(field loss)
    printf '  %-8s [%s] %3d %%  ' "$1" "$(bar "$2")" "$2"
    case "$(field epochs)" in ''|null|0) printf 'preparing';; *) printf 'epoch %s of %s' "$(field epoch)" "$(field epochs)";; esac
    case "$loss" in ''|null) ;; *) awk -v x="$loss" 'BEGIN { printf "  loss %.4f", x }';; esac
    case "$eta" in ''|null|0) ;; *) awk -v x="$eta" 'BEGIN { printf "  %.0f s left", x }';; esac
}

# watch_training NAME JOB: returns when the job succeeded. On a terminal the line is redrawn, else one is printed for each quarter.
watch_training() {
    local state percent next=0 begin=$SECONDS
    while :; do
        request GET "$2"
        state=$(field state)
        percent=$(awk -v p="$(field progress)" 'BEGIN { printf "%d", (p < 0 ? 0 : p > 1 ? 1 : p) * 100 }')
        if $terminal; then
            printf '\r%s\033[K' "$(show_progress "$1" "$percent")"
        elif [ "$percent" -ge "$next" ] || [ "$state" = succeeded ]; then
            show_progress "$1" "$percent"
            echo
            next=$((percent / 25 * 25 + 25))
        fi
        case "$state" in
            succeeded) break;;
            queued|running) ;;
            *) fail "training $1 ended as ${state:-nothing}: $(cat "$dir/answer")";;
        esac
        if [ $((SECONDS - begin)) -gt 900 ]; then fail "training $1 took longer than 15 minutes: $(cat "$dir/answer")"; fi
        sleep 0.5
    done
    if $terminal; then echo; fi
}

# ---- what comes out ----

# fetch SERIES MODEL HORIZON HISTORY: the forecast and the newest points as CSV, into $dir/forecast and $dir/history.
fetch() {
    request GET "/v1/series/$1/forecast?horizon=$3&levels=80,95&model=$2" -H 'Accept: text/csv'
    tr -d '\r' <"$dir/answer" >"$dir/forecast"
    request GET "/v1/series/$1/points?order=desc&limit=$4" -H 'Accept: text/csv'
    tr -d '\r' <"$dir/answer" | grep '^[0-9]' | sort >"$dir/history" || fail "no points of $1: $(cat "$dir/answer")"
    if [ "$(grep -c '^' "$dir/forecast")" -ne $(($3 + 1)) ]; then fail "the forecast of $1 has not $3 steps: $(cat "$dir/forecast")"; fi
}

# Columns are found by their names, so that the table stands whatever order the daemon writes them in.
# shellcheck disable=SC2016 # awk's fields, not the shell's
columns='FNR == 1 && /median/ { for (i = 1; i <= NF; i++) at[$i] = i; next }
    function when(t) { sub(/T00:00:00Z$/, "", t); sub(/:00Z$/, "", t); sub(/T/, " ", t); return t }'

print_table() {
    awk -F, "$columns"'
        BEGIN { printf "\n  %-16s %10s   %-23s   %s\n", "timestamp", "median", "80 interval", "95 interval" }
        { printf "  %-16s %10.1f   %10.1f .. %-9.1f %10.1f .. %.1f\n", when($at["timestamp"]), $at["median"],
                 $at["lower_80"], $at["upper_80"], $at["lower_95"], $at["upper_95"] }' "$dir/forecast"
}

print_plot() {
    awk -F, "$columns"'
        function row(v) { return int((top - v) / (top - low) * (rows - 1) + 0.5) }
        function seen(v) { if (low == "" || v + 0 < low) low = v + 0; if (top == "" || v + 0 > top) top = v + 0 }
        function paint(c, from, to, glyph,  r) { for (r = row(from); r <= row(to); r++) cell[r, c] = glyph }
        FILENAME ~ /history$/ { n++; if ($2 == "" || $2 ~ /N/) next; past[n] = $2; seen($2); if (!first) first = $1; last = $1; next }
        { k++; m[k] = $at["median"]; l80[k] = $at["lower_80"]; u80[k] = $at["upper_80"]; l95[k] = $at["lower_95"]; u95[k] = $at["upper_95"]
          seen(l95[k]); seen(u95[k]); end = $at["timestamp"] }
        END {
            rows = 15
            if (top == low) { top += 1; low -= 1 }
            for (i in past) cell[row(past[i]), i] = "o"
            for (r = 0; r < rows; r++) cell[r, n + 1] = "|"
            for (i = 1; i <= k; i++) {
                c = n + 1 + i
                paint(c, u95[i], l95[i], "."); paint(c, u80[i], l80[i], ":"); cell[row(m[i]), c] = "*"
            }
            form = top - low < 20 ? "%8.1f " : "%8.0f "
            print ""
            for (r = 0; r < rows; r++) {
                line = r % 7 == 0 ? sprintf(form, top - (top - low) * r / (rows - 1)) : "         "
                for (c = 1; c <= n + 1 + k; c++) line = line ((r, c) in cell ? cell[r, c] : " ")
                sub(/ +$/, "", line)
                print line
            }
            printf "         from %s to %s   o observed   * median   : 80   . 95\n", when(first), when(end)
        }' "$dir/history" "$dir/forecast"
}

# ---- the demo ----

start_daemon
request POST /v1/series/air/points -H 'Content-Type: text/csv' --data-binary @examples/air-passengers.csv
echo "Loaded examples/air-passengers.csv: $(field received) points"
request POST /v1/points -H 'Content-Type: application/json' --data-binary @examples/m4-hourly.json
echo "Loaded examples/m4-hourly.json: $(field received) points in $(field series) series"
hourly=$(sed -n 's/^{"id":\("[^"]*"\).*/\1/p' examples/m4-hourly.json | paste -sd,)

echo "Training in the background:"
start_training airline '["air"]' 12
airline_job=$job
start_training hourly "[$hourly]" 48
watch_training airline "$airline_job"
watch_training hourly "$job"

printf '\nInternational airline passengers, in thousands: the next 12 months\n'
fetch air airline 12 48
print_table
print_plot
printf '\nM4 hourly series H1: the next 48 hours, from one model of %s series\n' "$(tr ',' '\n' <<<"$hourly" | grep -c .)"
fetch H1 hourly 48 24
print_plot

cat <<END

Dashboard  $base/
API        $base/v1/series
Try        curl '$base/v1/series/air/forecast?horizon=12&levels=80,95'
END
if ! $terminal; then
    kill -0 "$daemon" 2>/dev/null || fail "the daemon ended by itself"
    exit 0
fi
echo "The daemon runs until you press Ctrl-C."
wait "$daemon" && status=0 || status=$?
daemon=
fail "the daemon ended by itself with status $status"
