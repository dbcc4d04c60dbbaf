# Sourced by deploy/quickstart and tests/run: the Debian 12 packages that they need, and how they are installed.

wd_build_packages=(
    gcc g++ cmake ninja-build pkg-config protobuf-c-compiler
    libprotobuf-c-dev libnng-dev libbson-dev libmongoc-dev libhiredis-dev libssl-dev zlib1g-dev libevent-dev libsqlite3-dev libjansson-dev
    libidn2-dev libicu-dev libxml2-dev libargon2-dev libcrypt-dev libtomlplusplus-dev check curl
)
wd_test_packages=(
    clang clang-format lld libclang-rt-14-dev llvm python3 python3-venv python3-pytest python3-protobuf python3-pymongo python3-yaml protobuf-compiler openssl git
    ca-certificates swaks isync getmail6 mutt tmux sqlite3 redis-server procps iproute2 binutils
)

# wd_install PACKAGE…: installs those that are missing.
wd_install() {
    local package missing=()
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    echo "installing: ${missing[*]}" >&2
    local sudo=()
    [ "$(id -u)" -eq 0 ] || sudo=(sudo)
    "${sudo[@]}" apt-get update -qq
    DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}
