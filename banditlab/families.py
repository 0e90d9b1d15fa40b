"""All families at once: what lists of components, files of experiments and the documentation are made from."""

from . import arms, clicks, cvar, dueling, scoring, semibandits
from .core.family import families, kinds, registered

__all__ = ["arms", "clicks", "cvar", "dueling", "families", "kinds", "registered", "scoring", "semibandits"]
