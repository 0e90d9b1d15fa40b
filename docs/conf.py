"""Settings of the documentation."""

import os
from importlib.metadata import version as version_of

project = "banditlab"
author = "The banditlab developers"
copyright = "The banditlab developers"  # noqa: A001 - Sphinx reads this name
release = version = version_of("banditlab-sim")

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "myst_nb",
    "numpydoc",
]
exclude_patterns = ["_build"]
nb_execution_mode = "force"  # notebooks are stored without outputs; with BANDITLAB_QUICK set, horizons are small
nb_execution_timeout = 600  # seconds a cell
nb_execution_raise_on_error = True
nb_output_stderr = "remove-warn"  # so that a warning in a notebook is one of the build, and an error
os.environ["TQDM_DISABLE"] = "1"  # no progress bars
os.environ["MATPLOTLIBRC"] = os.path.dirname(os.path.abspath(__file__))  # sharp figures
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3

autosummary_generate = True
autosummary_imported_members = True
autodoc_typehints = "none"  # the docstrings say it in words
numpydoc_show_class_members = False  # a policy's methods are its kernels: its page is its docstring
numpydoc_validation_checks: set[str] = set()

html_theme = "pydata_sphinx_theme"
html_title = "banditlab"
html_theme_options = {"navigation_with_keys": False, "show_prev_next": False}
html_sidebars = {"**": ["sidebar-nav-bs"]}


DECORATORS = ("policy", "environment", "utility", "action_set", "offline_algorithm")


GALLERY = """
Each asks a question, shows a picture, says what it means, and ends with an exercise and its answer. They are in the
folder `notebooks` of the repository, to be opened in Jupyter. They run in seconds, with small horizons, if the
environment variable `BANDITLAB_QUICK` is set.
"""


def documented_methods(thing: object) -> list[str]:
    """Return the names of the public methods that a class defines itself; none for a function."""
    own = vars(thing) if isinstance(thing, type) else {}
    return [
        name
        for name, value in own.items()
        if not name.startswith("_") and callable(getattr(thing, name)) and value.__doc__
    ]


def write_family_pages() -> None:
    """Write one page a family, from the registry: a new component is in the documentation by itself."""
    import importlib
    import inspect
    from pathlib import Path

    from banditlab.families import families, registered

    folder = Path(__file__).with_name("generated")
    folder.mkdir(exist_ok=True)
    for family in families():
        module = importlib.import_module(f"banditlab.{family}")
        summary, *_ = (inspect.getdoc(module) or "").split("\n", 1)
        lines = [f"# banditlab.{family}", "", summary, ""]
        kinds_of_sets = sorted(registered(family, "action_set"), key=str.lower)
        tables = [
            ("Environments", [f"{family}.{n}" for n in sorted(registered(family, "environment"), key=str.lower)]),
            ("Policies", [f"{family}.{n}" for n in sorted(registered(family, "policy"), key=str.lower)]),
            ("Action sets", [f"{family}.{n}" for n in kinds_of_sets]),
            ("Decorators", [f"{family}.{n}" for n in DECORATORS if hasattr(module, n)]),
        ]
        theory = getattr(module, "theory", None)
        tables.append(("Theory", [f"{family}.theory.{n}" for n in getattr(theory, "__all__", ())]))
        listed = {name for _, names in tables for name in names}
        others = [n for n in module.__all__ if f"{family}.{n}" not in listed and callable(getattr(module, n))]
        tables.append(("Functions and classes", [f"{family}.{n}" for n in others]))
        tables.append(
            ("Methods", [f"{family}.{n}.{m}" for n in others for m in documented_methods(getattr(module, n))])
        )
        for title, names in tables:
            if names:
                lines += [f"## {title}", "", "```{eval-rst}", ".. currentmodule:: banditlab", ""]
                lines += [".. autosummary::", "   :toctree: .", "   :nosignatures:", ""]
                lines += [f"   {name}" for name in names] + ["```", ""]
        page, text = folder / f"family_{family}.md", "\n".join(lines)
        if not page.exists() or page.read_text() != text:
            page.write_text(text)


def write_verdict_page() -> None:
    """Write the page of verdicts, from those that are recorded in docs/verdicts."""
    import sys
    from pathlib import Path

    sys.path.insert(0, str(Path(__file__).parents[1]))
    from experiments.pages import verdict_page

    page, text = Path(__file__).with_name("generated") / "verdicts.md", verdict_page()
    if not page.exists() or page.read_text(encoding="utf-8") != text:
        page.write_text(text, encoding="utf-8")


def write_notebook_pages() -> None:
    """Copy the notebooks into the documentation, where they are executed, and write the page that lists them."""
    import json
    from pathlib import Path

    here = Path(__file__).parent
    folder = here / "generated" / "notebooks"
    folder.mkdir(parents=True, exist_ok=True)
    notebooks = sorted((here.parent / "notebooks").glob("*.ipynb"))
    for old in set(folder.glob("*.ipynb")) - {folder / path.name for path in notebooks}:
        old.unlink()
    lines = ["# Notebooks", GALLERY]
    for path in notebooks:
        source = path.read_text(encoding="utf-8")
        title, _, text = "".join(json.loads(source)["cells"][0]["source"]).partition("\n")
        question = " ".join(text.strip().split("\n\n")[0].split())
        number = int(path.name.partition("_")[0])
        lines += [f"{number}. **[{title.lstrip('# ')}](notebooks/{path.name})**: {question}"]
        copy = folder / path.name
        if not copy.exists() or copy.read_text(encoding="utf-8") != source:
            copy.write_text(source, encoding="utf-8")
    lines += ["", "```{toctree}", ":hidden:", ":glob:", "", "notebooks/*", "```", ""]
    page, text = here / "generated" / "notebooks.md", "\n".join(lines)
    if not page.exists() or page.read_text(encoding="utf-8") != text:
        page.write_text(text, encoding="utf-8")


write_family_pages()
write_verdict_page()
write_notebook_pages()
