"""Copies the dataset cards, which are in the folder `datasets`, into a built package; pyproject.toml has all else."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

CARDS = Path(__file__).parent / "datasets"


class BuildWithCards(build_py):
    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return  # the cards of the checkout are read
        for name in ("card.toml", "README.md"):
            for file in CARDS.glob(f"*/{name}"):
                target = Path(self.build_lib) / "graphrec" / "datasets" / file.parent.name
                target.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, target)


setup(cmdclass={"build_py": BuildWithCards})
