"""`python -m banditlab` is the command `banditlab`."""

from .cli import main

if __name__ == "__main__":
    main()
