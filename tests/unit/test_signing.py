"""What only holders of the token can say, and that an overheard command cannot be said again."""

from pathlib import Path

import pytest

from trireme.adapters.signing import FRESH_SECONDS, Once, new_nonce, sign, target, verify
from trireme.agent.live import Live, read_live
from trireme.base.errors import PermanentError
from trireme.base.text import read_text

TOKEN = b"0123456789abcdef"
STARTED = 1_800_000_000.0
ME = target("default", "demo-0")


def nonce(made: float, end: str = "a") -> str:
    return f"{round(made * 1000)}-{end}@{ME}"


@pytest.mark.parametrize("signature", ["", "x", "\udcff\udc80", "é" * 64, "\x00"])
def test_no_header_of_a_stranger_is_a_signature_or_an_error(signature: str) -> None:
    assert not verify(TOKEN, signature, "POST", "/v1/rebuild", signature, b"{}")


def test_a_signature_is_for_these_parts_only() -> None:
    good = sign(TOKEN, "POST", "/v1/rebuild", "n", b"{}")
    assert verify(TOKEN, good, "POST", "/v1/rebuild", "n", b"{}")
    assert not verify(TOKEN, good, "POST", "/v1/rebuildn", "", b"{}")
    assert not verify(TOKEN, good, "POST", "/v1/variables", "n", b"{}")
    assert not verify(b"another-token-16", good, "POST", "/v1/rebuild", "n", b"{}")


def test_a_command_is_taken_once() -> None:
    once, now = Once(STARTED, ME), STARTED + 10
    assert once.refusal(nonce(now), now) is None
    for later in (0.0, 1.0, FRESH_SECONDS):
        assert "taken before" in str(once.refusal(nonce(now), now + later))
    assert once.refusal(nonce(now, "b"), now) is None


@pytest.mark.parametrize("whom", ["", target("default", "demo-1"), target("other", "demo-0")])
def test_a_command_to_another_member_is_not_taken(whom: str) -> None:
    """All members have one token: who overheard a command to one of them could say it to the next."""
    once, now = Once(STARTED, ME), STARTED + 10
    assert "this is default/demo-0" in str(once.refusal(f"{round(now * 1000)}-a@{whom}", now))


@pytest.mark.parametrize("off", [-FRESH_SECONDS - 1, FRESH_SECONDS + 1])
def test_a_stale_command_is_refused_with_the_clocks_difference(off: float) -> None:
    now = STARTED + 2 * FRESH_SECONDS
    assert "301 s" in str(Once(STARTED, ME).refusal(nonce(now + off), now))


def test_an_agent_that_restarted_does_not_take_what_the_former_one_took() -> None:
    assert "before this agent started" in str(Once(STARTED, ME).refusal(nonce(STARTED - 1), STARTED + 1))


def test_a_clock_that_goes_back_does_not_make_a_command_new() -> None:
    once, now = Once(STARTED, ME), STARTED + 100
    assert once.refusal(nonce(now), now) is None
    assert once.refusal(nonce(now), now - 50) is not None
    assert once.refusal(nonce(now - 5000), now - 5000) is None
    assert once.refusal(nonce(now), now + 1) is not None


@pytest.mark.parametrize("text", ["", "a", "-", "²-a", "9" * 400 + "-a", "-5-a"])
def test_a_nonce_without_a_time_is_refused(text: str) -> None:
    assert "when it was made" in str(Once(STARTED, ME).refusal(f"{text}@{ME}", STARTED))


def test_new_nonces_are_taken() -> None:
    once = Once(0, ME)
    assert [
        once.refusal(each, int(each.partition("-")[0]) / 1000) for each in (new_nonce(ME), new_nonce(ME))
    ] == [
        None,
        None,
    ]


def test_a_file_that_is_no_text_is_named_and_not_shown(tmp_path: Path) -> None:
    (tmp_path / "password").write_bytes(b"se\xffcret")
    with pytest.raises(PermanentError, match=r"password: byte 3 is not UTF-8") as caught:
        read_text(tmp_path / "password")
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize("content", ["²".encode(), b"\xff\xfe3", "٣".encode(), b"0", b"16", b"-1"])
def test_a_live_setting_that_is_no_number_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "TRIREME_MEMBERS").write_bytes(content)
    with pytest.raises(PermanentError, match="TRIREME_MEMBERS"):
        read_live(tmp_path, Live())
