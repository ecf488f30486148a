"""``python -m cmetrics``."""

from cmetrics.cli import main

if __name__ == "__main__":
    main()
