"""A password that a program prints."""

import asyncio
import contextlib
import os
import shlex
import signal
import sys

import pytest

from postane.credentials.base import NoSecret, Secret, SecretKind
from postane.credentials.commands import CommandSecret
from postane.credentials.sources import LIMIT


def python(script):
    return [sys.executable, "-c", script]


async def refusal(command, seconds=30.0):
    with pytest.raises(NoSecret) as caught:
        await CommandSecret(command, seconds).get()
    return caught.value


async def test_the_first_line_counts():
    source = CommandSecret(python("print('tanstaaf'); print('more')"))
    await source.refuse()
    assert await source.get() == Secret(SecretKind.PASSWORD, "tanstaaf")


async def test_a_string_is_the_shells():
    assert (await CommandSecret("printf '%s-' a b | tr a-z A-Z; exit 0").get()).text == "A-B-"


async def test_arguments_are_not_the_shells():
    assert (await CommandSecret(["printf", "%s", "$HOME; *"]).get()).text == "$HOME; *"


async def test_its_input_is_empty():
    assert (await CommandSecret(python("import sys; print(repr(sys.stdin.read()))")).get()).text == "''"


async def test_it_is_asked_anew_each_time(tmp_path):
    source = CommandSecret(f"echo x >> {tmp_path}/log; wc -l < {tmp_path}/log | tr -d ' '")
    assert [(await source.get()).text for _ in range(3)] == ["1", "2", "3"]


async def test_a_failure_tells_the_last_line_of_the_errors():
    command = python("import sys; sys.stderr.write('first\\nno such entry \\n\\n'); print('secret'); sys.exit(3)")
    error = await refusal(command)
    name = shlex.join(command)
    assert error.text == f"the command that gives the password failed (exit code 3): {name}: no such entry"
    assert not error.may_pass


async def test_a_failure_without_a_word():
    assert (await refusal("exit 1")).text == "the command that gives the password failed (exit code 1): exit 1"
    assert "(signal 15)" in (await refusal("kill $$")).text


@pytest.mark.parametrize(
    ("command", "words"),
    [("true", "printed nothing: true"), ("echo", "first line is empty"), ("printf '\\377'", "is not UTF-8")],
)
async def test_no_answer(command, words):
    assert words in (await refusal(command)).text


@pytest.mark.parametrize("command", [["/nonexistent/pass", "show"], ["a\0b"], [""]])
async def test_no_such_program(command):
    assert "cannot be started" in (await refusal(command)).text


async def test_one_that_does_not_end_is_killed(tmp_path):
    error = await refusal(f"echo $$ > {tmp_path}/pid; exec sleep 1000", seconds=0.3)
    assert "has not ended in 0.3 s: echo" in error.text
    assert error.may_pass
    await ended((tmp_path / "pid").read_text().strip())


async def test_one_that_nobody_waits_for_any_more_is_killed(tmp_path):
    os.mkfifo(tmp_path / "begun")
    command = f"echo $$ > {tmp_path}/pid; echo > {tmp_path}/begun; exec sleep 1000"
    getting = asyncio.ensure_future(CommandSecret(command).get())
    await asyncio.to_thread((tmp_path / "begun").read_bytes)
    getting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await getting
    await ended((tmp_path / "pid").read_text().strip())


async def ended(pid):
    """Wait until there is no such process."""
    with contextlib.suppress(ProcessLookupError):
        while True:
            os.kill(int(pid), 0)
            await asyncio.sleep(0.01)


async def test_one_that_goes_on_in_the_background_is_not_waited_for(tmp_path):
    source = CommandSecret(f"echo tanstaaf; sleep 1000 & echo $! > {tmp_path}/pid")
    try:
        assert (await source.get()).text == "tanstaaf"
    finally:
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


async def test_a_flood_is_not_kept():
    source = CommandSecret(python(f"import sys; sys.stdout.write('x' * {10 * LIMIT}); sys.stderr.write('y' * 999999)"))
    assert (await source.get()).text == "x" * LIMIT
