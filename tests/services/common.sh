# Sourced by the services of the tests: where their state is, free ports, processes in the background and their end.

services=${WD_TEST_SERVICES:-/var/tmp/wd-test-services}

say() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
}

# free_port: one that nothing listens on just now.
free_port() {
    /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# spawn PID_FILE LOG COMMAND…: runs it detached; it holds neither our lock nor the caller's pipes.
spawn() {
    local pid_file=$1 log=$2
    shift 2
    setsid "$@" </dev/null >>"$log" 2>&1 9>&- &
    echo $! >"$pid_file"
}

# alive PID_FILE NAME: whether that process runs, and is not another one with a number that was used again.
alive() {
    [ -s "$1" ] && [ "$(ps -o comm= -p "$(cat "$1")" 2>/dev/null)" = "$2" ]
}

# answers PORT: whether something accepts connections there.
answers() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# wait_for SECONDS COMMAND…: until the command succeeds.
wait_for() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.05
    done
}

# end PID_FILE NAME SIGNAL: ends that process and waits until it is gone; SIGKILL when it takes more than ten seconds.
end() {
    if alive "$1" "$2"; then
        kill "-$3" "$(cat "$1")" 2>/dev/null
        wait_for 10 dead "$1" "$2" || kill -KILL "$(cat "$1")" 2>/dev/null
    fi
    rm -f "$1"
}

dead() {
    ! alive "$1" "$2"
}

# locked DIRECTORY: one at a time from here on; the lock ends with the script.
locked() {
    mkdir -p "$1"
    exec 9>"$1/lock"
    flock 9
}
