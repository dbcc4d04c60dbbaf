# Sourced by tests/services/mongo: FerretDB, and PostgreSQL with DocumentDB, in a root of their own below $services/engine.
#
# Debian has the extension in sid only, so its packages and those that they need are unpacked into a directory; no maintainer
# script runs and nothing is mounted. Both servers run there under chroot as a user without rights. A database with the
# extension is kept as a template, and every start gets a copy of it.

engine=$services/engine
engine_user=63543
ferretdb_version=${WD_TEST_FERRETDB:-v2.7.0}

# in_root ROOT COMMAND…: with what a build behind a proxy needs of our environment.
in_root() {
    local root=$1 name keep=()
    shift
    for name in GOPROXY GOSUMDB GONOSUMDB GOPRIVATE http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
        [ -z "${!name:-}" ] || keep+=("$name=${!name}")
    done
    chroot "$root" /usr/bin/env -i PATH=/pg/bin:/usr/local/bin:/usr/sbin:/usr/bin LC_ALL=C HOME=/root "${keep[@]}" "$@"
}

as_user() {
    local root=$1
    shift
    in_root "$root" setpriv "--reuid=$engine_user" "--regid=$engine_user" --clear-groups "$@"
}

# Where this machine gets Debian from. Its release is known by then: the packages of the tests came from there.
mirror() {
    apt-get indextargets --format '$(ORIGIN) $(LABEL) $(REPO_URI)' 'Created-By: Packages' |
        awk '$1 == "Debian" && $2 == "Debian" { print $3; exit }'
}

# sid COMMAND…: apt with the machine's settings (a proxy, say), but sid's packages and a state of its own.
sid() {
    local command=$1
    shift
    "$command" -o Dir::State="$apt/state" -o Dir::State::status="$apt/status" -o Dir::Cache="$apt/cache" \
        -o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferences=/dev/null \
        -o Dir::Etc::preferencesparts=/dev/null -o APT::Sandbox::User=root -o APT::Install-Recommends=false \
        -o Acquire::Languages=none -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false -o APT::Default-Release=sid "$@"
}

# depends_on PACKAGE: the names of what it depends on.
depends_on() {
    sid apt-cache depends "$1" | sed -nE 's/^ *\|?Depends: ([^<]*)$/\1/p'
}

# download ROOT: the packages into $apt/cache/archives.
download() {
    local uri extension postgis absent
    uri=$(mirror)
    [ -n "$uri" ] || { say "this machine has no package source of Debian"; return 1; }
    mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial"
    : >"$apt/status"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri sid main" >"$apt/sources.list"
    sid apt-get update -q || return 1
    extension=$(sid apt-cache search --names-only '^postgresql-[0-9]+-documentdb$' | sort -V | tail -n 1 | cut -d ' ' -f 1)
    [ -n "$extension" ] || { say "sid has no postgresql-documentdb"; return 1; }
    # Half of all would come for geography in rasters and solids, which is loaded by nobody, and for maintainer scripts.
    postgis=$(depends_on "$extension" | grep postgis)
    absent=$(depends_on "$postgis" | grep -E '^lib(gdal|sfcgal)' | sed 's/$/ (= 99:0)/' | paste -sd ,)
    printf '%s\n' 'Package: unused' 'Status: install ok installed' 'Architecture: all' 'Multi-Arch: foreign' 'Version: 1' \
        'Maintainer: none <none@localhost>' 'Description: not needed here' \
        "Provides: debconf (= 99:0), locales-all (= 99:0), postgresql-common (= 99:0), ssl-cert (= 99:0)${absent:+, $absent}" '' >"$apt/status"
    sid apt-get install -q -y --download-only "$extension" golang-go base-files dash coreutils libc-bin util-linux
}

# unpack ROOT: what dpkg would, and the little of what maintainer scripts do that is needed here.
unpack() {
    local root=$1 file
    dpkg-deb -x "$apt"/cache/archives/base-files_*.deb "$root" || return 1 # it has the links /bin → usr/bin
    for file in "$apt"/cache/archives/*.deb; do
        dpkg-deb --fsys-tarfile "$file" | tar -C "$root" -xf - --keep-directory-symlink --exclude './usr/share/doc/*' \
            --exclude './usr/share/man/*' --exclude './usr/share/locale/*' || return 1
    done
    for file in "$root"/usr/share/postgresql/*/extension/postgis*-3.control; do
        ln -sf "${file##*/}" "${file%-3.control}.control"
    done
    ln -s "/usr/lib/postgresql/$(ls "$root/usr/lib/postgresql")" "$root/pg"
    printf '%s\n' root:x:0:0::/root:/bin/sh "wdtest:x:$engine_user:$engine_user::/srv:/bin/sh" >"$root/etc/passwd"
    cp -L /etc/hosts /etc/resolv.conf "$root/etc/" 2>/dev/null
    mkdir -p "$root/etc/ssl/certs"
    cp -L "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" "$root/etc/ssl/certs/ca-certificates.crt"
    install -d -o "$engine_user" "$root/srv"
    null_device "$root/dev/null"
    in_root "$root" ldconfig
}

# A file system may forbid devices; an empty file then does what is needed of it.
null_device() {
    mknod -m 666 "$1" c 1 3 2>/dev/null && : 2>/dev/null <"$1" && return 0
    rm -f "$1"
    : >"$1"
    chmod 666 "$1"
}

build_ferretdb() {
    local root=$1 go
    go=$(readlink -f "$root/usr/bin/go")
    in_root "$root" CGO_ENABLED=0 GOROOT="$(dirname "$(dirname "${go#"$root"}")")" GOTOOLCHAIN=local GOFLAGS='-buildvcs=false -trimpath -p=2' \
        GOBIN=/usr/local/bin go install -ldflags=-s "github.com/FerretDB/FerretDB/v2/cmd/ferretdb@$ferretdb_version" || return 1
    rm -rf "$root"/root/go "$root"/root/.cache "$root"/usr/lib/go* "$root"/usr/share/go*
}

# The server reaches itself through its socket: there is no port that somebody else could have.
write_settings() {
    cat >>"$1/postgresql.conf" <<'SETTINGS'
listen_addresses = ''
unix_socket_directories = '/srv'
shared_preload_libraries = 'pg_cron,pg_documentdb_core,pg_documentdb'
documentdb.localhost_connection_string = 'host=/srv'
cron.database_name = 'postgres'
cron.use_background_workers = on
cron.log_run = off
max_connections = 320
max_worker_processes = 24
shared_buffers = 256MB
dynamic_shared_memory_type = mmap
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
checkpoint_timeout = 1h
jit = off
timezone = UTC
SETTINGS
}

sql() {
    as_user "$1" psql -h /srv -U wdtest -qAt -c "$2" postgres
}

# Indexes are built while their command waits, so the two jobs that look for others every two seconds are only load.
make_template() {
    local root=$1
    as_user "$root" initdb -A trust -E UTF8 --no-locale -N -U wdtest -D /srv/template || return 1
    write_settings "$root/srv/template"
    as_user "$root" pg_ctl -D /srv/template -l /srv/template.log -w start || return 1
    sql "$root" 'CREATE EXTENSION documentdb CASCADE' &&
        sql "$root" "SELECT cron.unschedule(jobid) FROM cron.job WHERE command LIKE '%build_index_concurrently%'"
    local made=$?
    as_user "$root" pg_ctl -D /srv/template -m fast -w stop && return $made
}

server_install() {
    [ ! -d "$engine" ] || return 0
    local apt=$engine.apt new=$engine.new
    rm -rf "$apt" "$new" # of an attempt that did not end
    mkdir -p "$new" "$apt"
    say "setting up FerretDB $ferretdb_version and PostgreSQL in $engine; this takes some minutes, once"
    download >&2 && unpack "$new" >&2 && build_ferretdb "$new" >&2 && make_template "$new" >&2 || return 1
    rm -rf "$apt"
    mv "$new" "$engine"
    say "set up in ${SECONDS} s"
}

server_running() {
    alive "$run/postgres.pid" postgres && alive "$run/ferretdb.pid" ferretdb
}

pg_answers() {
    [ "$(sql "$engine" 'SELECT 1' 2>/dev/null)" = 1 ]
}

# daemon PROGRAM ARGUMENT…: runs it in the background as the user without rights.
daemon() {
    spawn "$run/${1##*/}.pid" "$run/${1##*/}.log" chroot "--userspec=$engine_user:$engine_user" --groups= "$engine" \
        /usr/bin/env -i PATH=/pg/bin:/usr/bin LC_ALL=C HOME=/srv "$@"
}

server_start() {
    rm -rf "$engine/srv/data"
    cp -a --reflink=auto "$engine/srv/template" "$engine/srv/data"
    daemon /pg/bin/postgres -D /srv/data
    wait_for 20 pg_answers || return 1
    daemon /usr/local/bin/ferretdb "--listen-addr=127.0.0.1:$(cat "$run/port")" --no-auth --telemetry=disable --debug-addr= --state-dir=/srv \
        '--postgresql-url=postgres://wdtest@/postgres?host=/srv&pool_max_conns=250' --log-level=warn
}

server_ready() {
    return 0
}

server_stop() {
    end "$run/ferretdb.pid" ferretdb KILL
    end "$run/postgres.pid" postgres QUIT # at once; nothing of it is kept
    rm -rf "$engine/srv/data"
}

server_wipe() {
    rm -rf "$engine" "$engine.new" "$engine.apt" "$run"
}
