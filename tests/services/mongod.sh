# Sourced by tests/services/mongo: a mongod of this machine, as a replica set of one.

server_install() {
    return 0
}

server_running() {
    alive "$run/mongod.pid" mongod
}

server_start() {
    mkdir -p "$run/data"
    spawn "$run/mongod.pid" "$run/mongod.log" mongod --dbpath "$run/data" --bind_ip 127.0.0.1 --port "$(cat "$run/port")" \
        --replSet wdtest --wiredTigerCacheSizeGB 0.5
}

# A replica set of one takes writes a moment after it was told so.
server_ready() {
    /usr/bin/python3 - "$(cat "$run/port")" <<'PYTHON'
import sys
import time

import pymongo

port = int(sys.argv[1])
admin = pymongo.MongoClient("127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=10000).admin
admin.command("replSetInitiate", {"_id": "wdtest", "members": [{"_id": 0, "host": f"127.0.0.1:{port}"}]})
end = time.monotonic() + 20
while not admin.command("isMaster").get("ismaster"):
    if time.monotonic() > end:
        sys.exit("no primary")
    time.sleep(0.05)
PYTHON
}

server_stop() {
    end "$run/mongod.pid" mongod KILL # nothing of it is kept
}

server_wipe() {
    rm -rf "$run"
}
