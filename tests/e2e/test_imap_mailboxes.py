"""wd-imap: LIST and its kin, CREATE, DELETE, RENAME, SUBSCRIBE, STATUS, SELECT, QUOTA."""
import re

import pytest
from harness.server import Server
from harness.wire import Imap, ImapError

MESSAGE = b"Subject: x\r\n\r\nbody\r\n"


def listed(imap, command):
    return [tuple(re.match(rb'\* (?:LIST|LSUB|XLIST) \(([^)]*)\) "/" "?(.*?)"?$', w).groups()) for w in imap.lines(command) if w[2:3] in b"LX"]


def names(imap, command):
    return [n.decode() for _, n in listed(imap, command)]


def test_a_new_account_has_the_default_mailboxes(imap):
    assert listed(imap, 'LIST "" "*"') == [
        (b"\\HasNoChildren", b"INBOX"), (b"\\HasNoChildren \\Drafts", b"Drafts"), (b"\\HasNoChildren \\Junk", b"Junk"),
        (b"\\HasNoChildren \\Sent", b"Sent Mail"), (b"\\HasNoChildren \\Trash", b"Trash")]
    assert len(names(imap, 'LSUB "" "*"')) == 5


def test_list_patterns(imap):
    for box in ("a", "a/b", "a/b/c", "x/y", "INBOX/sub"):
        imap.ok(f"CREATE {box}")
    assert names(imap, 'LIST "" "a/%"') == ["a/b"]
    assert names(imap, 'LIST "a/" "*"') == ["a/b", "a/b/c"]
    assert names(imap, "LIST \"\" a*") == ["a", "a/b", "a/b/c"]  # wildcards in an atom
    assert names(imap, "LIST \"\" %") == ["INBOX", "a", "Drafts", "Junk", "Sent Mail", "Trash", "x"]
    assert (b"\\Noselect \\HasChildren", b"x") in listed(imap, 'LIST "" "x"')
    assert (b"\\HasChildren", b"a") in listed(imap, 'LIST "" "a"')
    assert names(imap, 'LIST "" "inbox"') == ["INBOX"]
    assert imap.lines('LIST "" ""') == [b'* LIST (\\Noselect) "/" "/"']
    assert imap.lines('LSUB "" ""') == [b'* LSUB (\\Noselect) "/" "/"']


def test_special_use_forms(imap):
    assert names(imap, 'LIST (SPECIAL-USE) "" "*"') == ["Drafts", "Junk", "Sent Mail", "Trash"]
    assert (b"\\Sent", b"Sent Mail") in listed(imap, 'LIST "" "*" RETURN (SPECIAL-USE)')
    assert imap.command('LIST (SUBSCRIBED) "" "*"')[1].startswith(b"BAD")
    assert (b"\\HasNoChildren \\Spam", b"Junk") in listed(imap, 'XLIST "" "*"')
    assert any(b"\\Inbox" in f and n == b"Inbox" for f, n in listed(imap, 'XLIST "" "*"'))


def test_names_in_unicode(imap):
    imap.ok("CREATE &BCIENQRBBEI-/&ZeVnLIqe-")
    assert "&BCIENQRBBEI-/&ZeVnLIqe-" in names(imap, 'LIST "" "*"')
    other_way = "Тест/日本語"
    imap.ok("ENABLE UTF8=ACCEPT")
    assert other_way in names(imap, 'LIST "" "*"')
    imap.ok('CREATE "ещё"')
    imap.ok('SELECT "ещё"')
    assert imap.status(other_way)["MESSAGES"] == 0


@pytest.mark.parametrize("command,answer", [
    ('CREATE ""', b"NO [CANNOT]"), ("CREATE a/", b"OK [CANNOT]"), ("CREATE a//b", b"NO [CANNOT]"), ("CREATE inbox", b"NO [ALREADYEXISTS]"),
    ("CREATE Trash", b"NO [ALREADYEXISTS]"), ("DELETE nothing", b"NO [NONEXISTENT]"), ("DELETE inbox", b"NO [CANNOT]"), ("DELETE Trash", b"NO [CANNOT]"),
    ("RENAME inbox x", b"NO [CANNOT]"), ("RENAME Trash inbox", b"NO [ALREADYEXISTS]"), ("RENAME nothing x", b"NO [NONEXISTENT]"), ("RENAME Junk Trash", b"NO [ALREADYEXISTS]"),
    ("SUBSCRIBE nothing", b"NO [NONEXISTENT]"), ("UNSUBSCRIBE inbox", b"NO"), ("STATUS nothing (MESSAGES)", b"NO [NONEXISTENT]"),
    ("SELECT nothing", b"NO [NONEXISTENT]"), ("CREATE " + "a/" * 128 + "a", b"NO [CANNOT]"), ('CREATE "' + "x" * 513 + '"', b"NO [CANNOT]"),
    ('GETQUOTA "x"', b"NO [NONEXISTENT]"), ("GETQUOTAROOT nothing", b"NO [NONEXISTENT]"), ('SETQUOTA "" (STORAGE 1)', b"NO [CANNOT]")])
def test_refusals(imap, command, answer):
    assert imap.command(command)[1].startswith(answer)


def test_create_rename_delete(imap):
    imap.ok("CREATE box")
    uid = imap.append("box", MESSAGE)
    imap.ok("CREATE box/sub")
    imap.ok("RENAME box other")
    assert {"other", "other/sub"} <= set(names(imap, 'LIST "" "*"')) and "box/sub" not in names(imap, 'LIST "" "*"')
    imap.ok("SELECT other")
    assert imap.body(uid) == MESSAGE
    imap.ok("UNSELECT")
    imap.ok("DELETE other")
    assert (b"\\Noselect \\HasChildren", b"other") in listed(imap, 'LIST "" "other"')
    assert imap.command("SELECT other")[1].startswith(b"NO [NONEXISTENT]")


def test_rename_can_leave_children_alone():
    s = Server({"imap.renameLeavesChildren": "true"}).start()
    try:
        imap = Imap(s.imap, s.user())
        imap.ok("CREATE box/sub")
        imap.ok("CREATE box")
        imap.ok("RENAME box other")
        assert {"other", "box/sub"} <= set(names(imap, 'LIST "" "*"'))
        imap.logout()
    finally:
        s.close()


def test_uidvalidity_grows_when_a_name_comes_back(imap):
    seen = []
    for _ in range(3):
        imap.ok("CREATE again")
        seen.append(imap.status("again", "UIDVALIDITY")["UIDVALIDITY"])
        imap.ok("DELETE again")
    assert seen == sorted(set(seen))


def test_deleting_gives_quota_back(imap):
    imap.ok("CREATE big")
    imap.append("big", b"Subject: x\r\n\r\n" + b"x" * 100000)
    imap.ok("DELETE big")
    used = int(re.search(rb"STORAGE (\d+) ", imap.lines('GETQUOTA ""')[0]).group(1))
    assert used == 0 or used == 98  # at once, or when the messages expire


def test_subscriptions(imap):
    imap.ok("CREATE box")
    assert "box" in names(imap, 'LSUB "" "*"')
    imap.ok("UNSUBSCRIBE box")
    assert "box" not in names(imap, 'LSUB "" "*"')
    imap.ok("SUBSCRIBE box")
    assert "box" in names(imap, 'LSUB "" "b*"')


def test_status_keeps_order_and_spelling(imap):
    imap.append("INBOX", MESSAGE)
    imap.append("INBOX", MESSAGE, flags="\\Seen")
    (line,) = imap.lines("STATUS inBOX (UIDNEXT MESSAGES UNSEEN RECENT MESSAGES)")
    assert line == b"* STATUS inBOX (UIDNEXT 3 MESSAGES 2 UNSEEN 1 RECENT 0)" or line == b'* STATUS "inBOX" (UIDNEXT 3 MESSAGES 2 UNSEEN 1 RECENT 0)'


def test_select_answers(imap):
    imap.append("INBOX", MESSAGE, flags="\\Seen")
    imap.append("INBOX", MESSAGE)
    lines = imap.lines("SELECT INBOX")
    want = [rb"\* FLAGS \(\\Answered \\Flagged \\Draft \\Deleted \\Seen\)", rb"\* OK \[PERMANENTFLAGS \(\\Answered \\Flagged \\Draft \\Deleted \\Seen \\\*\)\]",
            rb"\* OK \[UIDVALIDITY \d+\]", rb"\* 2 EXISTS", rb"\* 0 RECENT", rb"\* OK \[UNSEEN 2\]", rb"\* OK \[HIGHESTMODSEQ 2\]", rb"\* OK \[UIDNEXT 3\]"]
    for pattern in want:
        assert any(re.match(pattern, w) for w in lines), (pattern, lines)
    assert imap.tagged.startswith(b"OK [READ-WRITE]")
    imap.ok("EXAMINE INBOX")
    assert imap.tagged.startswith(b"OK [READ-ONLY]")


def test_a_failed_select_leaves_nothing_selected(imap):
    imap.ok("SELECT INBOX")
    with pytest.raises(ImapError):
        imap.ok("SELECT nothing")
    assert imap.command("CHECK")[1].startswith(b"BAD")


def test_deleting_the_selected_mailbox_ends_its_sessions(server, user, imap):
    imap.ok("CREATE gone")
    other = Imap(server.imap, user, box="gone")
    other.start("IDLE")
    other.line()
    imap.ok("DELETE gone")
    assert any(line.startswith(b"* BYE") for line in other.lines_to_the_end())


def test_quota(server):
    user = server.user(quota=100 * 1024)
    imap = Imap(server.imap, user)
    imap.append("INBOX", MESSAGE + b"x" * 2000)
    assert imap.lines("GETQUOTAROOT INBOX") == [b'* QUOTAROOT "INBOX" ""', b'* QUOTA "" (STORAGE 2 100)'] or \
        imap.lines("GETQUOTAROOT INBOX") == [b'* QUOTAROOT INBOX ""', b'* QUOTA "" (STORAGE 2 100)']
    imap.logout()
