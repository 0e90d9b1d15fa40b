from typer.testing import CliRunner

from banditlab import cli


def call(*arguments):
    """Return what a command of `banditlab` does, as if its output were piped."""
    return CliRunner().invoke(cli.app, [str(a) for a in arguments])
