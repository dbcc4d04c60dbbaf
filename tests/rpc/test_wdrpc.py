#!/usr/bin/env python3
"""The Python client against the test store: `test_wdrpc.py RPC-STORE`."""
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e/harness"))
import wdrpc  # noqa: E402

STORE = sys.argv.pop(1)


class Store:
    def __init__(self, url, events):
        self.process = subprocess.Popen([STORE, url, events], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        ready = self.process.stdout.readline().split()
        assert ready[0] == "ready", ready
        self.port = int(ready[1])

    def stop(self):
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(timeout=20)


class Calls(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="wd-rpc.")
        self.url = f"ipc://{self.directory.name}/store"
        self.events = f"ipc://{self.directory.name}/events"
        self.store = Store(self.url, self.events)
        self.client = wdrpc.Client(self.url, service_token="token", timeout=10)

    def tearDown(self):
        self.client.close()
        self.assertEqual(self.store.stop(), 0)
        self.directory.cleanup()

    def test_round_trip(self):
        self.assertEqual(self.client.call("wd.v1.Admin.Health").version, "test")
        reply = self.client.call("wd.v1.Mailboxes.List", session_token="session")
        self.assertEqual([m.path for m in reply.mailboxes], [b"INBOX"])
        reply = self.client.call("wd.v1.Mailboxes.List", session_token="session", cursor=reply.next_cursor)
        self.assertEqual([m.path for m in reply.mailboxes], [b"Sent"])

    def test_reason_of_a_failure(self):
        with self.assertRaises(wdrpc.RpcError) as caught:
            self.client.call("wd.v1.Auth.Authenticate", username=b"anna", password=b"wrong", scope="imap")
        self.assertEqual(caught.exception.name, "AUTH_FAILED")
        self.assertEqual(caught.exception.status, 2)
        with self.assertRaises(wdrpc.RpcError) as caught:
            self.client.call("wd.v1.Admin.Check")
        self.assertEqual(caught.exception.name, "UNKNOWN_METHOD")

    def test_large_messages_both_ways(self):
        body = os.urandom(900_000)
        self.client.call("wd.v1.Delivery.Deliver", raw=body, sender=b"", recipients=[b"anna@example.com"])
        section = wdrpc.modules()["messages"].Section(offset=0, length=400_000)
        reply = self.client.call("wd.v1.Messages.ReadBody", mailbox="0" * 24, uid=1, section=section)
        self.assertEqual(reply.size, len(body))
        self.assertEqual(reply.data, body[:400_000])

    def test_connection_is_made_again(self):
        self.client.call("wd.v1.Admin.Health")
        self.assertEqual(self.store.stop(), 0)
        self.store = Store(self.url, self.events)
        self.assertEqual(self.client.call("wd.v1.Admin.Health").version, "test")

    def test_over_tcp(self):
        other = Store("tcp://127.0.0.1:0", f"ipc://{self.directory.name}/more")
        with wdrpc.Client(f"tcp://127.0.0.1:{other.port}") as client:
            self.assertEqual(client.call("wd.v1.Admin.Health").version, "test")
        self.assertEqual(other.stop(), 0)

    def test_beacon_and_heartbeat(self):
        subscriber = wdrpc.Subscriber(self.events, topics=[0])
        topic, first = subscriber.receive()  # a heartbeat: the subscription works
        self.assertEqual(topic, 0)
        self.client.call("wd.v1.Delivery.Deliver", raw=b"x", sender=b"", recipients=[b"anna@example.com"])
        frame, sequence = first, first.sequence
        while not any(b.kind == 1 for b in frame.beacons):
            topic, frame = subscriber.receive()
            self.assertEqual(frame.sequence, sequence + 1)
            self.assertEqual(frame.publisher, first.publisher)
            sequence = frame.sequence
        self.assertEqual(frame.beacons[0].modseq, 77)
        subscriber.close()


if __name__ == "__main__":
    unittest.main()
