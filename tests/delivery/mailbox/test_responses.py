"""IMAP answers as servers really give them."""

from datetime import UTC, datetime

import pytest

from crm_mail.delivery.mailbox.reader import sent_folder_of
from crm_mail.delivery.mailbox.responses import (
    Folder,
    Part,
    decode_name,
    encode_name,
    quote,
    read_date,
    read_fetch,
    read_folders,
    read_quota,
    uid_set,
)


@pytest.mark.parametrize(
    "parts",
    [
        [(b"7 (UID 5 BODY[HEADER]<0> {4}", b"a: b"), b")"],
        [(b"7 (BODY[HEADER] {4}", b"a: b"), b" UID 5)"],  # mail-devel: UID after the literal
        [b'7 (FLAGS (\\Seen "x") UID 5 BODY[HEADER] "a: b")'],
        [(b'7 (UID 5 X "q\\")" FLAGS () BODY[HEADER] {4}', b"a: b"), b" MODSEQ (12))"],
    ],
)
def test_items_are_found_in_any_order_and_form(parts: list[Part]) -> None:
    (found,) = read_fetch(parts)
    assert (found["UID"], found["BODY[HEADER]"]) == (b"5", b"a: b")


def test_unasked_answers_between_do_not_shift_the_others() -> None:
    """imap-tools pairs answers by position; these two would be exchanged."""
    parts: list[Part] = [
        b"1 (FLAGS (\\Seen))",
        (b"2 (UID 8 BODY[] {3}", b")(x"),
        b")",
        None,
        (b"3 (UID 9 RFC822.SIZE 3 BODY[] {1}", b"y"),
        b")",
        b"4 (UID 10 BODY[] NIL)",
    ]
    found = {items["UID"]: items["BODY[]"] for items in read_fetch(parts)}
    assert found == {b"8": b")(x", b"9": b"y", b"10": b""}


def test_folders_are_read_with_their_special_use_and_found_by_name_where_there_is_none() -> None:
    parts: list[Part] = [
        b'(\\HasNoChildren \\Sent) "/" "[Gmail]/Posta inviata"',
        b"(\\Noselect) NIL Archivio",
        (b'(\\HasNoChildren) "." {12}', b"INBOX.Uscit&"),
        b"",
        b'() "." "INBOX.Perch&AOk- &- no"',
    ]
    folders = list(read_folders(parts))
    assert [folder.name for folder in folders] == [
        "[Gmail]/Posta inviata",
        "Archivio",
        "INBOX.Uscit&",
        "INBOX.Perché & no",
    ]
    assert [folder.can_be_opened for folder in folders] == [True, False, True, True]
    assert sent_folder_of(folders) == "[Gmail]/Posta inviata"
    assert sent_folder_of([Folder("INBOX", delimiter="/"), Folder("INBOX/Spedite", delimiter="/")]) == (
        "INBOX/Spedite"
    )
    assert sent_folder_of(folders, "Altro") == "Altro"
    assert sent_folder_of([Folder("INBOX")]) == ""


@pytest.mark.parametrize("name", ["INBOX", "a & b", "Ñandú/è", "日本", "&", 'qu"o\\te'])
def test_a_folders_name_survives_both_ways(name: str) -> None:
    assert decode_name(encode_name(name).encode("ascii")) == name


@pytest.mark.parametrize("text", ["a\r\nA1 DELETE INBOX", "a\0", "è"])
def test_nothing_slips_into_a_command(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - its message is for nobody
        quote(text)


def test_small_things() -> None:
    assert quote('a"b\\') == '"a\\"b\\\\"'
    assert uid_set([1, 2, 3, 7, 9, 10]) == "1:3,7,9:10"
    assert read_date(b" 7-Nov-2026 01:02:03 +0130") == datetime(2026, 11, 6, 23, 32, 3, tzinfo=UTC)
    assert read_date(b"99-Nov-2026 01:02:03 +0130") is None
    quota = read_quota([b'"User quota" (STORAGE 90 100 MESSAGE 5 10)', b'"" (STORAGE 1 1000)', b'"x" ()'])
    assert quota is not None
    assert (quota.used_kb, quota.share) == (90, 0.9)
    assert read_quota([b'"" (MESSAGE 1 2)']) is None
