"""The binary is there and says what it can do."""

import server


def test_help_names_the_commands():
    answer = server.run("--help")
    assert answer.returncode == 0, answer.stderr
    for command in ["serve", "import", "load", "explain"]:
        assert command in answer.stdout, f"{command} is missing from the help"
