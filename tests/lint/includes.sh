#!/usr/bin/env bash
# includes.sh DIR: who includes whom in the source tree DIR, checked against the two tables below. Prints each line that breaks a rule and
# exits 1 when there is one. tests/lint/test_includes.sh shows that it can fail.
set -euo pipefail
cd "$1"

# A layer and the project headers it may include: whole layers as "dir/", single headers by name. Its own are always allowed.
layers='
core
storage  error.h arena.h rng.h series.h calendar.h buf.h
config   error.h arena.h rng.h series.h calendar.h buf.h
server   core/ storage/ config/
'

# A library header and the only files that may include it, as shell patterns. Everything else in the four layers may not.
libraries='
microhttpd.h  server/http*.[ch] server/response*.[ch] server/request*.[ch]
cJSON.h       server/codec*.[ch]
sqlite3.h     storage/*.[ch]
cblas.h       core/matrix*.[ch] core/blas_guard.c
ini.h         config/*.[ch]
zlib.h        server/gzip*.[ch] core/model_file.c storage/*.[ch]
pthread.h     server/*.[ch] storage/*.[ch] core/kernel.c
threads.h
'

broken=0
complain() { printf '%s:%s: includes %s: %s\n' "$1" "$2" "$3" "$4"; broken=1; }

# layer_of HEADER FROM: the layer that a quoted include finds, FROM's own first; nothing when no layer has it.
layer_of() {
    local layer
    for layer in "$2" core storage config server; do
        if [ -e "$layer/$1" ]; then printf '%s' "$layer"; return; fi
    done
}

# check_layer FILE LINE HEADER
check_layer() {
    local own=${1%%/*} owner allowed name
    owner=$(layer_of "$3" "$own")
    if [ -z "$owner" ] || [ "$owner" = "$own" ]; then return 0; fi
    allowed=$(awk -v layer="$own" '$1 == layer { $1 = ""; print }' <<<"$layers")
    for name in $allowed; do
        if [ "$name" = "$owner/" ] || [ "$name" = "$3" ]; then return 0; fi
    done
    complain "$1" "$2" "$owner/$3" "$own may not use it (DESIGN: server everything, storage and config the leaves of core, core nobody)"
}

# check_library FILE LINE HEADER
check_library() {
    local header patterns pattern list
    while read -r header patterns; do
        if [ -z "$header" ] || [ "$header" != "${3##*/}" ]; then continue; fi
        read -ra list <<<"$patterns"
        for pattern in "${list[@]}"; do
            # shellcheck disable=SC2053 # the right side is a pattern on purpose
            if [[ $1 == $pattern ]]; then return 0; fi
        done
        complain "$1" "$2" "$3" "only ${patterns:-nobody} may use this library"
    done <<<"$libraries"
}

files=0
for file in {core,storage,config,server}/*.[ch]; do
    [ -e "$file" ] || continue
    files=$((files + 1))
    while IFS=: read -r line header; do
        [ -n "$line" ] || continue
        check_layer "$file" "$line" "${header##*/}"
        check_library "$file" "$line" "$header"
    done < <(sed -nE '/^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"]/{=;s/^[^<"]*[<"]([^>"]*)[>"].*/\1/p}' "$file" | paste -d: - -)
done
if [ "$files" = 0 ]; then echo "includes.sh: no source files in $PWD"; exit 1; fi
if [ "$broken" = 0 ]; then echo "include rules hold in $files files"; fi
exit "$broken"
