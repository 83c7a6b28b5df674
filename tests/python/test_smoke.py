"""The binary is there and says what it can do."""

import exposure_process


def test_help_names_the_commands():
    answer = exposure_process.run("--help")
    assert answer.returncode == 0, answer.stderr
    for command in ["serve", "import", "load", "explain"]:
        assert command in answer.stdout, f"{command} is missing from the help"
