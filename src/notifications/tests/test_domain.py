from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from notifications.domain import FOR_STAFF, OPT_IN, TRANSACTIONAL, Channel, Kind, channels, is_sent, kinds_for, one_line


class TestIsSent:
    def test_sends_what_is_transactional_whatever_was_chosen(self) -> None:
        answers = {is_sent(kind, channel, False) for kind in TRANSACTIONAL for channel in channels(kind)}

        assert answers == {True}

    def test_sends_nothing_by_a_channel_that_the_kind_does_not_use(self) -> None:
        assert not is_sent(Kind.PASSWORD_RESET, Channel.IN_APP, True)
        assert not is_sent(Kind.STAFF_NEW_ORDER, Channel.EMAIL, True)

    def test_waits_to_be_asked_where_the_kind_is_opt_in(self) -> None:
        answers = [is_sent(kind, Channel.EMAIL, chosen) for kind in OPT_IN for chosen in (None, False, True)]

        assert answers == [False, False, True]

    def test_sends_the_rest_until_it_is_turned_off(self) -> None:
        answers = [is_sent(Kind.WELCOME, Channel.EMAIL, chosen) for chosen in (None, False, True)]

        assert answers == [True, False, True]


class TestKindsFor:
    def test_keeps_what_concerns_staff_from_customers(self) -> None:
        assert not FOR_STAFF & set(kinds_for(is_staff=False))
        assert set(kinds_for(is_staff=True)) == set(Kind)


class TestOneLine:
    @given(st.text(max_size=400))
    def test_s26_leaves_nothing_that_could_start_a_header(self, text: str) -> None:
        line = one_line(text)

        assert not set("\r\n\0\x0b\x0c\x85\u2028\u2029") & set(line)
        assert len(line) <= 200

    def test_keeps_the_words(self) -> None:
        assert one_line(" Nice\r\nBcc: all@example.com\tchair ") == "Nice Bcc: all@example.com chair"

    def test_cuts_what_is_too_long(self) -> None:
        assert one_line("a" * 300, most=5) == "aaaa…"
