"""What is wrong with a configuration, for people."""

from postane.config.problems import Problem, key_at, refusal


def test_control_characters_are_made_visible():
    assert str(Problem("f", "\x1b[31m", 1, "a\nb")) == "f:1: a\\nb: \\x1b[31m"


def test_a_place_is_named_as_people_call_it():
    assert key_at(("door", 1, "width")) == "door.width"
    assert key_at(()) == "the file"


def test_a_problem_is_a_line_of_the_error():
    problems = [Problem("f", "wrong", 1, "a"), Problem("f", "is not there")]
    assert str(refusal(problems)) == "f:1: a: wrong\nf: is not there"
    assert refusal(problems).problems == tuple(problems)
