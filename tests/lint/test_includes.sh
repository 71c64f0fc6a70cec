#!/usr/bin/env bash
# test_includes.sh: includes.sh finds each kind of wrong include in a small tree, and passes the same tree without them.
set -euo pipefail
check=$(cd "$(dirname "$0")" && pwd)/includes.sh
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir "$tree"/{core,storage,config,server}

fail() { echo "test_includes.sh: $1"; exit 1; }

# expect_break FILE TEXT: a file with these lines must be named; it is removed again.
expect_break() {
    printf '%b' "$2" > "$tree/$1"
    if said=$("$check" "$tree"); then fail "$1 with $2 passed"; fi
    grep -q "^$1:" <<<"$said" || fail "$1 is not named in: $said"
    rm "$tree/$1"
}

if "$check" "$tree" >/dev/null; then fail "an empty tree passed"; fi
touch "$tree"/core/{error,model,matrix,cell}.h "$tree"/storage/store.h "$tree"/config/config.h "$tree"/server/http.h
printf '#include "error.h"\n#include "cell.h"\n#include <cblas.h>\n' > "$tree/core/matrix.c"
printf '#include "store.h"\n#include "error.h"\n#include <sqlite3.h>\n#include <pthread.h>\n' > "$tree/storage/store.c"
printf '#include "config.h"\n#include "store.h"\n#include "model.h"\n' > "$tree/server/service.c"
printf '#include "http.h"\n# include <microhttpd.h>\n' > "$tree/server/http.c"
printf '#include <cjson/cJSON.h>\n' > "$tree/server/codec_series.c"
"$check" "$tree" >/dev/null || fail "a good tree was refused"

expect_break core/train.c '#include "store.h"\n'
expect_break core/net.c '#include "../server/http.h"\n'
expect_break core/lane.c '#include <pthread.h>\n'
expect_break core/cells.c '\n  #  include <cblas.h>\n'
expect_break storage/rows.c '#include "model.h"\n'
expect_break storage/json.c '#include <cjson/cJSON.h>\n'
expect_break config/more.c '#include "store.h"\n'
expect_break config/more.h '#include "http.h"\n'
expect_break server/api_series.c '#include <sqlite3.h>\n'
expect_break server/api_jobs.c '#include "cJSON.h"\n'
expect_break server/service_train.c '#include <microhttpd.h>\n'
echo "include rules can fail"
