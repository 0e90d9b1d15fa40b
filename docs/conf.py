"""Settings of the documentation."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from name_links import LinkNames  # noqa: E402
from pages import NOTEBOOKS, write_pages  # noqa: E402
from pages.reference import is_kernel  # noqa: E402

from banditlab import __version__  # noqa: E402 - after the path

project = "banditlab"
author = "The banditlab developers"
copyright = "The banditlab developers"  # noqa: A001 - Sphinx reads this name
release = version = __version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "sphinx-mathjax-offline",  # formulas show without a network
    "sphinx_design",
    "myst_nb",
    "numpydoc",
]
exclude_patterns = ["_build"]
templates_path = ["templates"]

nb_execution_mode = "force"  # notebooks are stored without outputs; with BANDITLAB_QUICK set, horizons are small
nb_execution_timeout = 600  # seconds a cell
nb_execution_raise_on_error = True
nb_output_stderr = "remove-warn"  # so that a warning in a notebook is one of the build, and an error
os.environ["TQDM_DISABLE"] = "1"  # no progress bars
os.environ["MATPLOTLIBRC"] = str(HERE)  # sharp figures
myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3

toc_object_entries_show_parents = "hide"  # on a class's page its methods go by their names
default_role = "py:obj"  # a name between single backquotes is a link where there is something to link to
autosummary_generate = True
autosummary_imported_members = True
autodoc_typehints = "none"  # the docstrings say it in words
numpydoc_show_class_members = False  # a policy's methods are its kernels: its page is its docstring
numpydoc_validation_checks: set[str] = set()
numpydoc_xref_param_type = True  # types in docstrings are links
numpydoc_xref_ignore = "all"  # but what is named here and numpydoc's own: types are otherwise words
numpydoc_xref_aliases = {
    "bool": "bool",
    "boolean": "bool",
    "array_like": "numpy.typing.ArrayLike",
    "generator": "numpy.random.Generator",
    "DataFrame": "pandas.DataFrame",
    "Series": "pandas.Series",
    "Axes": "matplotlib.axes.Axes",
    "Figure": "matplotlib.figure.Figure",
    "Path": "pathlib.Path",
    "callable": "collections.abc.Callable",
    "sequence": "collections.abc.Sequence",
    "iterable": "collections.abc.Iterable",
    "mapping": "collections.abc.Mapping",
    "Results": "banditlab.Results",
    "Store": "banditlab.Store",
}
# The few names of others that docstrings use, in files of our own: the build needs no network, whatever the day.
intersphinx_mapping = {
    name: (address, str(HERE / "inventories" / f"{name}.inv"))
    for name, address in {
        "python": "https://docs.python.org/3/",
        "numpy": "https://numpy.org/doc/stable/",
        "pandas": "https://pandas.pydata.org/docs/",
        "matplotlib": "https://matplotlib.org/stable/",
    }.items()
}

html_theme = "pydata_sphinx_theme"
html_title = "banditlab"
html_theme_options = {
    "navigation_with_keys": False,
    "show_prev_next": False,
    "header_links_before_dropdown": 7,
    "navbar_align": "left",
    "navbar_persistent": ["search-button"],
    # notebooks need the width for their code; one entry each, as the theme warns of two patterns for one page
    "secondary_sidebar_items": {"**": ["page-toc", "sourcelink"]}
    | {f"generated/notebooks/{path.stem}": [] for path in NOTEBOOKS},
}
html_sidebars = {"getting_started": []}  # a page without neighbours
html_static_path = ["static"]
html_css_files = ["banditlab.css"]

write_pages(HERE / "generated")


def setup(app: object) -> None:
    """Connect what cannot be said by a setting."""
    app.connect("autodoc-skip-member", is_kernel)
    app.add_transform(LinkNames)
