#!/bin/sh
# No program but wd-store may load a database's library, directly or through another one.
#
# usage: linkage.sh BUILD_DIR
# Prints one line per problem and exits 1 when there is one.
set -eu

if [ $# -ne 1 ] || [ ! -d "$1/bin" ]; then
    echo "usage: $0 BUILD_DIR (with the programs in BUILD_DIR/bin)" >&2
    exit 2
fi

bad=0
seen=0
for program in "$1"/bin/*; do
    [ -f "$program" ] && [ -x "$program" ] || continue
    seen=$((seen + 1))
    [ "$(basename "$program")" = wd-store ] && continue
    # ldd follows the libraries of the libraries; readelf also works where a library is missing here.
    libraries=$({ ldd "$program" 2>/dev/null || true; readelf -d "$program" | grep NEEDED; } |
        grep -oE 'lib(mongoc|bson|hiredis|sqlite3)[^] ]*' | sort -u || true)
    for library in $libraries; do
        echo "$program: loads $library, which only wd-store may"
        bad=1
    done
done
if [ "$seen" -eq 0 ]; then
    echo "$1/bin: no programs were built" >&2
    exit 2
fi
exit $bad
